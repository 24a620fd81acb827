import {
  compareDocumentNumbers,
  followTrustStatements,
  formatDocumentNumber,
  isSignedBy,
  parseDocumentNumber,
  readBundleHead,
} from '@datapunk/protocol'
import { trustedSlots } from '../publishing/trust.ts'
import type { Reader } from '../store/contract.ts'
import { publicationOf } from './publication.ts'

/**
 * Whether a head proves that this inventory is not the newest of its mesh: it was copied back by hand, or two authorities
 * act for one mesh. Only a head signed by a bundle key of this mesh proves anything: one on record, or one that a trust statement
 * names which this mesh's root has signed, as after a roll-over or restore that this inventory knows nothing of.
 *
 * @param bytes a signed bundle head, from anyone
 * @param trust the trust statement that it was believed under
 * @returns what it shows, for people; undefined where it proves nothing
 */
export function isAheadOfUs(store: Reader, bytes: Uint8Array, trust?: Uint8Array): string | undefined {
  const { bundle: newest, digest: newestDigest } = publicationOf(store)
  const mesh = store.mesh()
  if (newest === undefined || mesh === undefined) return undefined
  try {
    const { head, digest, document } = readBundleHead(bytes)
    if (head.meshId !== mesh.meshId) return undefined
    const hasSigned = (spki: Uint8Array) => isSignedBy(document, spki)
    const isOurs =
      bundleKeysOf(store).some(hasSigned) ||
      (trust !== undefined && bundleKeysIn(trust, mesh.meshId, store).some(hasSigned))
    // Of a generation that was ended on purpose there may have been more; what comes next is above all of it.
    if (!isOurs || head.number.generation < mesh.generation) return undefined
    const order = compareDocumentNumbers(head.number, newest)
    const found = `bundle ${formatDocumentNumber(head.number)}`
    if (order > 0) return `${found}, and ${formatDocumentNumber(newest)} is the newest on record here`
    return order === 0 && digest !== newestDigest ? `another ${found} than the one on record here` : undefined
  } catch {
    // What can't be read proves nothing.
    return undefined
  }
}

function bundleKeysOf(store: Reader): Uint8Array[] {
  return store.slots().flatMap(({ kind, spki }) => (kind === 'bundle-key' ? [spki] : []))
}

function bundleKeysIn(trust: Uint8Array, meshId: string, store: Reader): readonly Uint8Array[] {
  const statement = followTrustStatements([trust], { anchors: trustedSlots(store).roots })
  return statement.meshId === meshId ? statement.bundleKeys : []
}

/** The highest generation that such evidence names; 0 where it names none. */
export function generationIn(evidence: string): number {
  const numbers = evidence.match(/\b\d+\.\d+\b/g) ?? []
  return Math.max(0, ...numbers.map((text) => parseDocumentNumber(text)?.generation ?? 0))
}
