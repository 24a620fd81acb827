import type { RevocationReason } from '../extensions/reason-code.ts'
import { equalLongOctets } from '../octets.ts'
import { PkiError } from '../pki-error.ts'
import { encodeRevokedEntry, type RevocationRequest, type RevokedEntry } from './revoked-entry.ts'
import { type EntriesSummary, entryAt, scanEntries, summed } from './scan-entries.ts'

/**
 * Entries of a list, each of which was read once, as the octets that they are: a million of them are one buffer, and a table
 * of places once the first was looked up.
 */
export class RevokedEntries implements Iterable<RevokedEntry>, EntriesSummary {
  /** DER, one after the other. */
  readonly der: Uint8Array
  readonly count: number
  /** The latest time of a revocation, in milliseconds since the epoch; -Infinity without entries. */
  readonly latest: number
  readonly reasons: ReadonlySet<RevocationReason>
  #index: Index | undefined

  /**
   * @param der nobody may change it any more
   * @param known entries of earlier lists, in their order: the octets of these that `der` begins with are not read again
   * @throws PkiError as `readRevokedEntry`, for the first entry that can't be read
   */
  constructor(der: Uint8Array, known: readonly RevokedEntries[] = []) {
    const begun: EntriesSummary[] = []
    let at = 0
    for (const entries of known) {
      const end = at + entries.der.length
      if (!equalLongOctets(der.subarray(at, end), entries.der)) break
      begun.push(entries)
      at = end
    }
    const { count, latest, reasons } = summed([...begun, scanEntries(der.subarray(at))])
    this.der = der
    this.count = count
    this.latest = latest
    this.reasons = reasons
  }

  /** @throws PkiError as `encodeRevokedEntry` */
  static of(...requests: readonly RevocationRequest[]): RevokedEntries {
    return new RevokedEntries(new Uint8Array(Buffer.concat(requests.map(encodeRevokedEntry))))
  }

  *[Symbol.iterator](): Iterator<RevokedEntry> {
    for (let at = 0; at < this.der.length; ) {
      const { value, length } = entryAt(this.der, at)
      yield value
      at += length
    }
  }

  /**
   * The entry of a serial; the first of several.
   *
   * @param serial content octets of the INTEGER, as `Certificate.serialBytes` has them
   * @throws PkiError `DER_BUDGET_EXCEEDED` when serials were chosen so that looking them up takes long
   */
  find(serial: Uint8Array): RevokedEntry | undefined {
    this.#index ??= buildIndex(this.der, this.count)
    const at = this.#index.places[slotOf(this.#index.places, this.der, serial, 0, serial.length)] as number
    return at === 0 ? undefined : entryAt(this.der, at - 1).value
  }

  /** A serial that is listed twice. */
  get repeated(): Uint8Array | undefined {
    this.#index ??= buildIndex(this.der, this.count)
    return this.#index.repeated
  }
}

interface Index {
  /** An open-addressing hash table: one more than the place of an entry, or zero. At most half of it is taken. */
  readonly places: Uint32Array
  readonly repeated: Uint8Array | undefined
}

/**
 * Slots looked at for each entry. Ours: honest serials need fewer than two on average in a table half full (Knuth, volume 3,
 * §6.4, formula for unsuccessful search: 2.5), and the hash has no secret.
 */
const probesPerEntry = 16

function buildIndex(entries: Uint8Array, count: number): Index {
  const places = new Uint32Array(2 ** Math.ceil(Math.log2(count * 2 + 2)))
  let repeated: Uint8Array | undefined
  let probes = probesPerEntry * (count + 64)
  for (let at = 0; at < entries.length; at = entryEnd(entries, at)) {
    const start = serialStart(entries, at)
    const end = start + (entries[start - 1] as number)
    const slot = slotOf(places, entries, entries, start, end)
    probes -= 1 + ((slot - hash(entries, start, end)) & (places.length - 1))
    if (probes < 0) throw tooManyCollisions()
    if (places[slot] === 0) places[slot] = at + 1
    else repeated ??= entries.subarray(start, end)
  }
  return { places, repeated }
}

/** Where in the table the serial from `start` to `end` of `octets` stands, or would. */
function slotOf(
  places: Uint32Array,
  entries: Uint8Array,
  octets: Uint8Array,
  start: number,
  end: number,
): number {
  const mask = places.length - 1
  let slot = hash(octets, start, end) & mask
  for (;;) {
    const place = places[slot] as number
    if (place === 0 || hasSerial(entries, place - 1, octets, start, end)) return slot
    slot = (slot + 1) & mask
  }
}

function hasSerial(entries: Uint8Array, at: number, octets: Uint8Array, start: number, end: number): boolean {
  const own = serialStart(entries, at)
  if (entries[own - 1] !== end - start) return false
  for (let i = 0; i < end - start; i++) if (entries[own + i] !== octets[start + i]) return false
  return true
}

/** FNV-1a, with its upper half folded into the bits that a table uses. */
function hash(octets: Uint8Array, start: number, end: number): number {
  let value = 0x811c9dc5
  for (let at = start; at < end; at++) value = Math.imul(value ^ (octets[at] as number), 0x0100_0193)
  return value ^ (value >>> 15)
}

/** Content octets of the serial: behind the headers of the entry and of the INTEGER, whose length is one octet. */
function serialStart(entries: Uint8Array, at: number): number {
  return contentStart(entries, at) + 2
}

function entryEnd(entries: Uint8Array, at: number): number {
  const start = contentStart(entries, at)
  if (start === at + 2) return start + (entries[at + 1] as number)
  let length = 0
  for (let i = at + 2; i < start; i++) length = length * 256 + (entries[i] as number)
  return start + length
}

function contentStart(entries: Uint8Array, at: number): number {
  const length = entries[at + 1] as number
  return at + 2 + (length < 0x80 ? 0 : length & 0x7f)
}

function tooManyCollisions(): PkiError {
  return new PkiError(
    'DER_BUDGET_EXCEEDED',
    `the serials of the revocation list collide: looking them up takes more than ${probesPerEntry} steps for each`,
    { budget: 'collisions', allowed: probesPerEntry },
  )
}
