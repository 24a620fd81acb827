import { encodeRevokedEntry, RevokedEntries } from '@datapunk/pki'
import type { RevokedCertificate } from '../store/rows.ts'
import { put } from './column.ts'
import { PKI_REASONS } from './pki-reasons.ts'

/** Which entries a list has. */
export interface EntrySelection {
  /** Those of revocations above this number. */
  readonly number: number
  /** Those whose certificates have not ended by then, milliseconds since the epoch. */
  readonly time: number
  /** No entry is later than its list (RFC 5280 5.1.2.6). Milliseconds since the epoch. */
  readonly thisUpdate: number
}

/**
 * Entries of a CA's lists, each encoded and read once, in the order of their recording, and what is asked of them in columns:
 * 24 octets of memory for each beside the 36 or 50 of the entry.
 */
export class EntryBucket {
  #octets = new Uint8Array()
  #ends = new Uint32Array()
  #numbers = new Uint32Array()
  #times = new Float64Array()
  #notAfters = new Float64Array()
  #count = 0
  #last = 0
  #firstToEnd = Number.POSITIVE_INFINITY
  /** The first of them, read, none of which was later than the last list. */
  #settled = none

  /** The number of the last revocation that was put here, whether it was let go of or not. */
  get last(): number {
    return this.#last
  }

  add({ number, serial, reason, at, notAfter }: RevokedCertificate): void {
    const entry = encodeRevokedEntry({ serial: Buffer.from(serial, 'hex'), at, reason: PKI_REASONS[reason] })
    this.#put(entry, { number, at, notAfter })
    this.#last = number
  }

  /**
   * Lets go of those whose certificates have ended by then, milliseconds since the epoch. Of a large one only where that is worth
   * a walk through all of it: an ended one that is left is passed over.
   */
  dropEnded(time: number): void {
    if (time < this.#firstToEnd || !this.#isWorthIt(time)) return
    const left = new EntryBucket()
    for (let row = 0; row < this.#count; row++)
      if (this.#notAfters[row]! > time) left.#put(this.#octetsOf(row), this.#factsOf(row))
    this.#octets = left.#octets
    this.#ends = left.#ends
    this.#numbers = left.#numbers
    this.#times = left.#times
    this.#notAfters = left.#notAfters
    this.#count = left.#count
    this.#firstToEnd = left.#firstToEnd
    this.#settled = none
  }

  /** @param bucketOf where an entry belongs, by the last octet of its serial */
  divide(bucketOf: (octet: number) => EntryBucket): void {
    for (let row = 0; row < this.#count; row++) {
      const entry = this.#octetsOf(row)
      // SEQUENCE, length, INTEGER, length: of our own each takes one octet.
      const bucket = bucketOf(entry[3 + entry[3]!]!)
      const facts = this.#factsOf(row)
      bucket.#put(entry, facts)
      bucket.#last = facts.number
    }
  }

  select(selection: EntrySelection): RevokedEntries[] {
    const isOfAll = selection.number < this.#numbers[0]! && selection.time < this.#firstToEnd
    if (!isOfAll) return [this.#pick(this.#firstAfter(selection.number), selection)]
    const settled = this.#settle(selection.thisUpdate)
    return [settled, this.#pick(settled.count, selection)]
  }

  /** What was read of them before is not read again. */
  #settle(thisUpdate: number): RevokedEntries {
    const known = this.#settled.latest <= thisUpdate ? this.#settled : none
    let row = known.count
    while (row < this.#count && this.#times[row]! <= thisUpdate) row++
    if (row > known.count || known !== this.#settled) {
      this.#settled = new RevokedEntries(this.#octets.subarray(0, this.#beginOf(row)), [known])
    }
    return this.#settled
  }

  #pick(from: number, { time, thisUpdate }: EntrySelection): RevokedEntries {
    const pieces: Uint8Array[] = []
    // As few pieces as may be, because there may be a million rows.
    let run: number | undefined
    const endRun = (row: number) => {
      if (run !== undefined) pieces.push(this.#octets.subarray(this.#beginOf(run), this.#beginOf(row)))
      run = undefined
    }
    for (let row = from; row < this.#count; row++) {
      const isIn = this.#notAfters[row]! > time
      if (isIn && this.#times[row]! <= thisUpdate) {
        run ??= row
        continue
      }
      endRun(row)
      if (isIn) pieces.push(backdated(this.#octetsOf(row), thisUpdate))
    }
    endRun(this.#count)
    return pieces.length === 0 ? none : new RevokedEntries(Buffer.concat(pieces))
  }

  #put(entry: Uint8Array, { number, at, notAfter }: Pick<RevokedCertificate, 'number' | 'at' | 'notAfter'>) {
    const row = this.#count++
    const begin = this.#beginOf(row)
    this.#octets = put(this.#octets, begin, entry)
    this.#ends = put(this.#ends, row, [begin + entry.length])
    this.#numbers = put(this.#numbers, row, [number])
    this.#times = put(this.#times, row, [at])
    this.#notAfters = put(this.#notAfters, row, [notAfter])
    this.#firstToEnd = Math.min(this.#firstToEnd, notAfter)
  }

  #isWorthIt(time: number): boolean {
    if (this.#count < SMALL) return true
    let ended = 0
    for (let row = 0; row < this.#count; row++) if (this.#notAfters[row]! <= time) ended++
    return ended > this.#count / 8
  }

  #factsOf(row: number) {
    return { number: this.#numbers[row]!, at: this.#times[row]!, notAfter: this.#notAfters[row]! }
  }

  #octetsOf(row: number): Uint8Array {
    return this.#octets.subarray(this.#beginOf(row), this.#ends[row]!)
  }

  #beginOf(row: number): number {
    return row === 0 ? 0 : this.#ends[row - 1]!
  }

  #firstAfter(number: number): number {
    let [from, to] = [0, this.#count]
    while (from < to) {
      const middle = (from + to) >>> 1
      if (this.#numbers[middle]! <= number) from = middle + 1
      else to = middle
    }
    return from
  }
}

/** A walk through so many takes a few milliseconds. */
const SMALL = 65_536

const none = new RevokedEntries(new Uint8Array())

/** The entry with another time. */
function backdated(octets: Uint8Array, at: number): Uint8Array {
  const [entry] = new RevokedEntries(octets)
  return encodeRevokedEntry({ ...entry!, at })
}
