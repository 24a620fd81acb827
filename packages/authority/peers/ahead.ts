import { isDeepStrictEqual } from 'node:util'
import {
  compareDocumentNumbers,
  followTrustStatements,
  formatDocumentNumber,
  isSignedBy,
  parseDocumentNumber,
  readBundleHead,
  readTrustStatement,
  type SignedTrustStatement,
} from '@datapunk/protocol'
import type { Reader } from '../store/contract.ts'
import type { MeshRow } from '../store/rows.ts'
import { trustedSlots } from '../trust/trust.ts'
import { publicationOf } from './publication.ts'

/**
 * Whether a head proves that this inventory is not the newest of its mesh: it was copied back by hand, or two authorities
 * act for one mesh. Only a head signed by a bundle key of this mesh proves anything: one in use here, or one that a trust statement
 * names which this mesh's root has signed and this inventory knows nothing of, as after a roll-over or restore since.
 *
 * Keys that are out prove nothing: they may be in other hands, and the statements that name them are there for everybody to show.
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
    const generation = trustedSlots(store).bundleKeys.some(hasSigned)
      ? mesh.generation
      : generationUnder(trust, mesh, { store, hasSigned })
    // A bundle key is of one generation. Of one that was ended on purpose there may have been more; what comes next is above it.
    if (head.number.generation !== generation) return undefined
    const order = compareDocumentNumbers(head.number, newest)
    const found = `bundle ${formatDocumentNumber(head.number)}`
    if (order > 0) return `${found}, and ${formatDocumentNumber(newest)} is the newest on record here`
    return order === 0 && digest !== newestDigest ? `another ${found} than the one on record here` : undefined
  } catch {
    // What can't be read proves nothing.
    return undefined
  }
}

/** That of a trust statement of this mesh which is news here, and names whoever has signed. */
function generationUnder(
  trust: Uint8Array | undefined,
  { meshId }: MeshRow,
  { store, hasSigned }: { readonly store: Reader; readonly hasSigned: (spki: Uint8Array) => boolean },
): number | undefined {
  if (trust === undefined) return undefined
  const shown = followTrustStatements([trust], { anchors: trustedSlots(store).roots })
  if (shown.meshId !== meshId || isOnRecord(shown, store) || !shown.bundleKeys.some(hasSigned))
    return undefined
  return shown.number.generation
}

/** By what it says: the same signatures can be written down in many ways. */
function isOnRecord(shown: SignedTrustStatement, store: Reader): boolean {
  const row = store.trustStatements().find((one) => compareDocumentNumbers(one, shown.number) === 0)
  return row !== undefined && isDeepStrictEqual(saidIn(readTrustStatement(row.bytes)), saidIn(shown))
}

function saidIn({ bytes, roots, issuingCas, ...said }: SignedTrustStatement): object {
  return { ...said, certificates: [roots, issuingCas].map((list) => list.map(({ der }) => der)) }
}

/** The highest generation that such evidence names; 0 where it names none. */
export function generationIn(evidence: string): number {
  const numbers = evidence.match(/\b\d+\.\d+\b/g) ?? []
  return Math.max(0, ...numbers.map((text) => parseDocumentNumber(text)?.generation ?? 0))
}
