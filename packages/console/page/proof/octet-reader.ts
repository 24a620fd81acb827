import { PageError } from '../page-error.ts'

/** Reads octets from the front, and never more than there are. */
export class OctetReader {
  readonly #octets: Uint8Array
  readonly #what: string
  #at = 0

  /** @param what is read, for messages */
  constructor(octets: Uint8Array, what: string) {
    this.#octets = octets
    this.#what = what
  }

  get rest(): number {
    return this.#octets.length - this.#at
  }

  octets(length: number): Uint8Array {
    if (length > this.rest) this.fail('it is cut off')
    this.#at += length
    return this.#octets.subarray(this.#at - length, this.#at)
  }

  /** Big-endian. */
  number(length: number): number {
    const value = this.octets(length).reduce((sum, octet) => sum * 256 + octet, 0)
    return Number.isSafeInteger(value) ? value : this.fail('it has a number beyond 2^53 - 1')
  }

  /** A vector of TLS (RFC 8446 3.4). @param width of its length, in octets */
  vector(width: number): OctetReader {
    return new OctetReader(this.octets(this.number(width)), this.#what)
  }

  /** The content of a DER element with this identifier octet: its length is definite and minimal (X.690 10.1). */
  element(tag: number): OctetReader {
    if (this.number(1) !== tag) this.fail('it has not the form of a certificate')
    const first = this.number(1)
    if (first < 0x80) return new OctetReader(this.octets(first), this.#what)
    const width = first - 0x80
    if (width < 1 || width > 3) this.fail('it has a length that is not DER')
    const length = this.number(width)
    if (length < (width === 1 ? 0x80 : 256 ** (width - 1))) this.fail('it has a length that is not DER')
    return new OctetReader(this.octets(length), this.#what)
  }

  finish(): void {
    if (this.rest > 0) this.fail(`${this.rest} octets stand after its end`)
  }

  fail(why: string): never {
    throw new PageError('PROOF_MALFORMED', `${this.#what} can't be read: ${why}`)
  }
}
