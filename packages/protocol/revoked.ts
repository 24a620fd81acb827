import { ProtocolError } from './error.ts'

/** Octets of a serial number that the section holds: enough, because the authority never issues a serial that begins like a revoked one. */
const PREFIX = 8

/** Digits that `prefixOf` looks at: serials have 128 bits (RFC 5280 4.1.2.2 allows 20 octets). */
const DIGITS = 32

/** The number that 8 digits of a text are. @param from where they begin */
function wordAt(digits: string, from: number): number {
  let word = 0
  for (let at = from; at < from + 8; at++) {
    const code = digits.charCodeAt(at)
    word = (word << 4) | (code - (code > 0x39 ? 0x57 : 0x30))
  }
  return word >>> 0
}

/**
 * What the section knows of a serial, lowercase hex: its first 64 bits, where it is taken for a number of 128 bits.
 *
 * @param serial lowercase hex, with or without a sign octet
 */
export function revokedPrefix(serial: string): string {
  return serial
    .replace(/^0+/, '')
    .padStart(DIGITS, '0')
    .slice(0, 2 * PREFIX)
}

/** The section's bytes: prefixes of 8 octets, big-endian, in ascending order, each once. */
export function encodeRevoked(serials: Iterable<string>): Uint8Array {
  const prefixes = [...new Set([...serials].map(revokedPrefix))].sort()
  return Buffer.from(prefixes.join(''), 'hex')
}

/**
 * The revoked serials, where they lie in the section's own bytes: a million are 8 MB, and one look a few comparisons. A table
 * of where each leading bit pattern begins spares most of a binary search.
 */
export class RevokedSet {
  static readonly none = RevokedSet.parse(new Uint8Array())
  readonly #bytes: DataView
  /** Of the first bits of a prefix, as many as `#shift` leaves: the index of the first entry that has them. */
  readonly #starts: Uint32Array
  readonly #shift: number
  readonly size: number

  private constructor(bytes: Uint8Array) {
    this.#bytes = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.size = bytes.byteLength / PREFIX
    const bits = Math.min(16, Math.max(0, 32 - Math.clz32(this.size) - 3))
    this.#shift = 32 - bits
    this.#starts = new Uint32Array(2 ** bits + 1)
    this.#fill()
  }

  /** @throws ProtocolError `BUNDLE_INVALID` */
  static parse(bytes: Uint8Array): RevokedSet {
    if (bytes.byteLength % PREFIX !== 0) throw invalid(`has ${bytes.byteLength} bytes, not 8 for each entry`)
    return new RevokedSet(bytes)
  }

  /** @param serial lowercase hex */
  has(serial: string): boolean {
    if (this.size === 0) return false
    // Of the usual length, it is its own beginning.
    const digits = serial.length === DIGITS ? serial : revokedPrefix(serial)
    const high = wordAt(digits, 0)
    const low = wordAt(digits, 8)
    const bucket = this.#bucketOf(high)
    let from = this.#starts[bucket] as number
    let to = this.#starts[bucket + 1] as number
    while (from < to) {
      const middle = (from + to) >>> 1
      const foundHigh = this.#bytes.getUint32(middle * PREFIX)
      const foundLow = this.#bytes.getUint32(middle * PREFIX + 4)
      if (foundHigh === high && foundLow === low) return true
      if (foundHigh < high || (foundHigh === high && foundLow < low)) from = middle + 1
      else to = middle
    }
    return false
  }

  /** Shifting a number of 32 bits by 32 leaves it as it is, so a table of one bucket is a case of its own. */
  #bucketOf(high: number): number {
    return this.#shift === 32 ? 0 : high >>> this.#shift
  }

  #fill(): void {
    let [lastHigh, lastLow] = [-1, -1]
    let bucket = 0
    for (let index = 0; index < this.size; index++) {
      const high = this.#bytes.getUint32(index * PREFIX)
      const low = this.#bytes.getUint32(index * PREFIX + 4)
      if (high < lastHigh || (high === lastHigh && low <= lastLow)) throw invalid('is not in ascending order')
      ;[lastHigh, lastLow] = [high, low]
      while (bucket < this.#bucketOf(high)) this.#starts[++bucket] = index
    }
    this.#starts.fill(this.size, bucket + 1)
  }
}

function invalid(what: string): ProtocolError {
  return new ProtocolError('BUNDLE_INVALID', `the section "revoked" ${what}`)
}
