import { DerReader } from '../der/reader.ts'
import { tag } from '../der/tag.ts'
import { decodeTime } from '../der/time.ts'
import { encodeDer } from '../der/writer.ts'
import { writeExtension } from '../extensions/extensions.ts'
import { type RevocationReason, reasonOf, writeReasonCode } from '../extensions/reason-code.ts'
import { oids } from '../oids.ts'
import { type RevokedEntry, readRevokedEntry } from './revoked-entry.ts'

/** What is known of a list's entries once each was looked at. */
export interface EntriesSummary {
  readonly count: number
  /** The latest time of a revocation, in milliseconds since the epoch; -Infinity without entries. */
  readonly latest: number
  readonly reasons: ReadonlySet<RevocationReason>
}

/**
 * Looks at every entry once, without making an object of each. Nearly all entries are of one shape, which is recognised
 * octet by octet; any other goes to the reader of the grammar, which alone says what is wrong.
 *
 * @throws PkiError as `readRevokedEntry`
 */
export function scanEntries(octets: Uint8Array): EntriesSummary {
  const reasons = new Set<RevocationReason>()
  let count = 0
  let latest = Number.NEGATIVE_INFINITY
  let last: RevocationReason | undefined
  for (let at = 0; at < octets.length; count++) {
    let length = 2 + (octets[at + 1] as number)
    let revokedAt = usualTime(octets, at)
    let reason =
      revokedAt === undefined ? undefined : usualReason(octets, timeStart(octets, at) + 15, at + length)
    if (revokedAt === undefined || reason === undefined) {
      const entry = entryAt(octets, at)
      length = entry.length
      revokedAt = entry.value.at
      reason = entry.value.reason
    }
    at += length
    if (revokedAt > latest) latest = revokedAt
    if (reason !== last) reasons.add(reason)
    last = reason
  }
  return { count, latest, reasons }
}

/** What is known of all of them together. */
export function summed(parts: readonly EntriesSummary[]): EntriesSummary {
  return {
    count: parts.reduce((sum, { count }) => sum + count, 0),
    latest: Math.max(...parts.map(({ latest }) => latest)),
    reasons: new Set(parts.flatMap(({ reasons }) => [...reasons])),
  }
}

/** The entry that begins here, and how many octets it takes. */
export function entryAt(octets: Uint8Array, at: number): { value: RevokedEntry; length: number } {
  const { value, encoded } = new DerReader(octets.subarray(at), elementsOfEntry).kept(readRevokedEntry)
  return { value, length: encoded.length }
}

/** Elements of one entry. Ours: three for itself, four for each of a dozen extensions. */
const elementsOfEntry = 51

/** The time of an entry of the usual shape: lengths of one octet, a positive serial, UTCTime. */
function usualTime(octets: Uint8Array, at: number): number | undefined {
  const serialLength = octets[at + 3] as number
  const first = octets[at + 4] as number
  const usual =
    octets[at] === tag.sequence &&
    (octets[at + 1] as number) < 0x80 &&
    octets[at + 2] === tag.integer &&
    serialLength >= 1 &&
    serialLength <= 20 &&
    // A first octet of zero may be right, which is for the reader to say.
    first >= 1 &&
    first < 0x80
  if (!usual) return undefined
  const start = timeStart(octets, at)
  if (octets[start] !== tag.utcTime || octets[start + 1] !== 13) return undefined
  return decodeTime(tag.utcTime, octets, start + 2, start + 15)
}

function timeStart(octets: Uint8Array, at: number): number {
  return at + 4 + (octets[at + 3] as number)
}

/** No extension, or a reason code and nothing else. */
function usualReason(octets: Uint8Array, start: number, end: number): RevocationReason | undefined {
  if (start === end && end <= octets.length) return 'unspecified'
  if (end - start !== reasonOnly.length || end > octets.length) return undefined
  for (let i = 0; i < reasonOnly.length - 1; i++) if (octets[start + i] !== reasonOnly[i]) return undefined
  return reasonOf(octets[end - 1] as number)
}

/** The extensions of an entry with a reason; the last octet is the code. */
const reasonOnly = encodeDer((der) =>
  der.sequence(() =>
    writeExtension(der, oids.reasonCode, false, () => writeReasonCode(der, 'keyCompromise')),
  ),
)
