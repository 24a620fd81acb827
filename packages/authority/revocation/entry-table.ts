import { encodeRevokedEntry, type RevocationReason as PkiReason, RevokedEntries } from '@datapunk/pki'
import type { RevocationReason, RevokedCertificate } from '../store/contract.ts'
import { put } from './column.ts'
import { lastOctet, type Shard, shardIndex } from './list-url.ts'

/** Which entries a list has. */
export interface EntrySelection {
  /** Those of revocations above this number. */
  readonly number: number
  /** Those whose certificates have not ended by then, milliseconds since the epoch. */
  readonly time: number
  /** No entry is later than its list (RFC 5280 5.1.2.6). */
  readonly thisUpdate: number
  /** Those of one shard. */
  readonly shard?: Shard | undefined
}

/**
 * The entries of a CA's lists, each encoded once, in the order of their recording, and what is asked of them in columns: 25
 * octets of memory for each beside the 36 or 50 of the entry.
 */
export class EntryTable {
  #octets = new Uint8Array()
  #ends = new Uint32Array()
  #numbers = new Uint32Array()
  #times = new Float64Array()
  #notAfters = new Float64Array()
  #lastOctets = new Uint8Array()
  #count = 0
  /** The number of the last revocation, by the last octet of the serial. */
  readonly #lastNumbers = new Uint32Array(256)

  add({ number, serial, reason, at, notAfter }: RevokedCertificate): void {
    const entry = encodeRevokedEntry({ serial: Buffer.from(serial, 'hex'), at, reason: REASONS[reason] })
    const row = this.#count++
    const begin = this.#beginOf(row)
    this.#octets = put(this.#octets, begin, entry)
    this.#ends = put(this.#ends, row, [begin + entry.length])
    this.#numbers = put(this.#numbers, row, [number])
    this.#times = put(this.#times, row, [at])
    this.#notAfters = put(this.#notAfters, row, [notAfter])
    this.#lastOctets = put(this.#lastOctets, row, [lastOctet(serial)])
    this.#lastNumbers[lastOctet(serial)] = number
  }

  /** Whether most of it is of certificates that have ended by then. */
  isMostlyEnded(time: number): boolean {
    let ended = 0
    for (let row = 0; row < this.#count; row++) if (this.#notAfters[row]! <= time) ended++
    return ended > this.#count / 2
  }

  /** The number of the last revocation of a shard. */
  lastOf({ index, shards }: Shard): number {
    return this.#lastNumbers.reduce(
      (last, number, octet) => (shardIndex(octet, shards) === index ? Math.max(last, number) : last),
      0,
    )
  }

  /** Entries, one after the other, as few pieces as may be. */
  select({ number, time, thisUpdate, shard }: EntrySelection): { pieces: Uint8Array[]; count: number } {
    const pieces: Uint8Array[] = []
    let count = 0
    let run: number | undefined
    const endRun = (at: number) => {
      if (run !== undefined) pieces.push(this.#octets.subarray(run, at))
      run = undefined
    }
    for (let row = this.#firstAfter(number); row < this.#count; row++) {
      const isOfShard =
        shard === undefined || shardIndex(this.#lastOctets[row]!, shard.shards) === shard.index
      const isIn = isOfShard && this.#notAfters[row]! > time
      if (isIn) count++
      if (isIn && this.#times[row]! <= thisUpdate) run ??= this.#beginOf(row)
      else endRun(this.#beginOf(row))
      if (isIn && this.#times[row]! > thisUpdate) pieces.push(this.#entryAt(row, thisUpdate))
    }
    endRun(this.#beginOf(this.#count))
    return { pieces, count }
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

  /** The entry with another time. */
  #entryAt(row: number, at: number): Uint8Array {
    const [entry] = new RevokedEntries(this.#octets.subarray(this.#beginOf(row), this.#ends[row]!))
    return encodeRevokedEntry({ ...entry!, at })
  }
}

const REASONS: Readonly<Record<RevocationReason, PkiReason>> = {
  unspecified: 'unspecified',
  'key-compromise': 'keyCompromise',
  'ca-compromise': 'caCompromise',
  'affiliation-changed': 'affiliationChanged',
  superseded: 'superseded',
  'cessation-of-operation': 'cessationOfOperation',
  'privilege-withdrawn': 'privilegeWithdrawn',
  'aa-compromise': 'aACompromise',
}
