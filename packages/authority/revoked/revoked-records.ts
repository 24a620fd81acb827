import { put } from './column.ts'

/** Octets of a serial number that the section "revoked" has (`revokedPrefix`). */
const PREFIX = 8

/** Records from one place to another. */
type Piece = readonly [of: RevokedRecords, from: number, to: number]

/**
 * What the bundle's section "revoked" consists of: prefixes of serials in ascending order, each once, and of each when its
 * certificate ends. 16 octets of memory for each.
 */
export class RevokedRecords {
  static readonly none = new RevokedRecords(new Uint8Array(), new Float64Array())
  /** The section's bytes. */
  readonly prefixes: Uint8Array
  readonly #view: DataView
  /** Milliseconds since the epoch. */
  readonly #ends: Float64Array
  /** The first of them. */
  readonly soonest: number

  private constructor(prefixes: Uint8Array, ends: Float64Array) {
    this.prefixes = prefixes
    this.#view = new DataView(prefixes.buffer, prefixes.byteOffset, prefixes.byteLength)
    this.#ends = ends
    this.soonest = ends.reduce((least, end) => Math.min(least, end), Number.POSITIVE_INFINITY)
  }

  /** @param all prefixes in hex, in any order */
  static of(all: Iterable<{ readonly prefix: string; readonly end: number }>): RevokedRecords {
    let prefixes = new Uint8Array()
    let ends = new Float64Array()
    let count = 0
    for (const { prefix, end } of all) {
      prefixes = put(prefixes, count * PREFIX, Buffer.from(prefix, 'hex'))
      ends = put(ends, count++, [end])
    }
    if (count === 0) return RevokedRecords.none
    const given = new RevokedRecords(prefixes.subarray(0, count * PREFIX), ends.subarray(0, count))
    const order = Uint32Array.from({ length: count }, (_, index) => index)
    order.sort((a, b) => given.#compare(a, given, b))
    return RevokedRecords.#join(
      order.values().map((index) => [given, index, index + 1] as const),
      count,
    )
  }

  get count(): number {
    return this.#ends.length
  }

  /** Those that have not ended by then. */
  after(time: number): RevokedRecords {
    if (this.soonest > time) return this
    const living = this.#ends.entries().filter(([, end]) => end > time)
    return RevokedRecords.#join(
      living.map(([index]) => [this, index, index + 1] as const),
      this.count,
    )
  }

  with(others: RevokedRecords): RevokedRecords {
    return others.count === 0 ? this : RevokedRecords.#join(this.#between(others), this.count + others.count)
  }

  /** Whatever lies between two of the others is one piece. */
  *#between(others: RevokedRecords): Iterable<Piece> {
    let from = 0
    for (let index = 0; index < others.count; index++) {
      const to = this.#placeOf(others, index, from)
      yield [this, from, to]
      yield [others, index, index + 1]
      from = to
    }
    yield [this, from, this.count]
  }

  /** Of a prefix that is there twice, the later end counts. @param most how many records there may be */
  static #join(pieces: Iterable<Piece>, most: number): RevokedRecords {
    const prefixes = new Uint8Array(most * PREFIX)
    const ends = new Float64Array(most)
    const joined = new RevokedRecords(prefixes, ends)
    let count = 0
    for (const [of, begin, to] of pieces) {
      let from = begin
      if (count > 0 && from < to && joined.#compare(count - 1, of, from) === 0) {
        ends[count - 1] = Math.max(ends[count - 1]!, of.#ends[from]!)
        from++
      }
      prefixes.set(of.prefixes.subarray(from * PREFIX, to * PREFIX), count * PREFIX)
      ends.set(of.#ends.subarray(from, to), count)
      count += to - from
    }
    return new RevokedRecords(prefixes.subarray(0, count * PREFIX), ends.subarray(0, count))
  }

  /** The first of ours that is not below that other one. */
  #placeOf(others: RevokedRecords, index: number, from: number): number {
    let to = this.count
    while (from < to) {
      const middle = (from + to) >>> 1
      if (this.#compare(middle, others, index) < 0) from = middle + 1
      else to = middle
    }
    return from
  }

  #compare(own: number, others: RevokedRecords, index: number): number {
    const [a, b] = [own * PREFIX, index * PREFIX]
    return (
      this.#view.getUint32(a) - others.#view.getUint32(b) ||
      this.#view.getUint32(a + 4) - others.#view.getUint32(b + 4)
    )
  }
}
