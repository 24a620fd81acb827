import {
  compareDocumentNumbers,
  formatDocumentNumber,
  isSignedBy,
  parseDocumentNumber,
  readBundleHead,
} from '@datapunk/protocol'
import type { Reader } from '../store/contract.ts'
import { publicationOf } from './publication.ts'

/**
 * Whether a head proves that this inventory is not the newest of its mesh: it was copied back by hand, or two authorities
 * act for one mesh. Only a head signed by a bundle key of this mesh proves anything.
 *
 * @param bytes a signed bundle head, from anyone
 * @returns what it shows, for people; undefined where it proves nothing
 */
export function isAheadOfUs(store: Reader, bytes: Uint8Array): string | undefined {
  const { bundle: newest, digest: newestDigest } = publicationOf(store)
  const mesh = store.mesh()
  if (newest === undefined || mesh === undefined) return undefined
  const keys = store.slots().filter(({ kind }) => kind === 'bundle-key')
  try {
    const { head, digest, document } = readBundleHead(bytes)
    if (head.meshId !== mesh.meshId || !keys.some(({ spki }) => isSignedBy(document, spki))) return undefined
    const order = compareDocumentNumbers(head.number, newest)
    const found = `bundle ${formatDocumentNumber(head.number)}`
    if (order > 0) return `${found}, and ${formatDocumentNumber(newest)} is the newest on record here`
    return order === 0 && digest !== newestDigest ? `another ${found} than the one on record here` : undefined
  } catch {
    // What can't be read proves nothing.
    return undefined
  }
}

/** The highest generation that such evidence names; 0 where it names none. */
export function generationIn(evidence: string): number {
  const numbers = evidence.match(/\b\d+\.\d+\b/g) ?? []
  return Math.max(0, ...numbers.map((text) => parseDocumentNumber(text)?.generation ?? 0))
}
