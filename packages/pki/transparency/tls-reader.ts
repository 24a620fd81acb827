import { PkiError } from '../pki-error.ts'

/**
 * Reads one structure in the encoding of TLS (RFC 9846 §3) with `read`, which must consume all of it.
 *
 * @param structure its name, for the error
 * @param maxBytes the size budget in bytes
 * @throws PkiError `TRANSPARENCY_MALFORMED` with `data.structure` and `data.offset`
 */
export function readTls<T>(
  bytes: Uint8Array,
  structure: string,
  read: (tls: TlsReader) => T,
  maxBytes = 0x1_0000,
): T {
  const reader = new TlsReader(bytes, structure)
  if (bytes.length > maxBytes) reader.fail(`it has ${bytes.length} bytes; at most ${maxBytes} are read`)
  const value = read(reader)
  reader.finish()
  return value
}

/** A strict reader of numbers and vectors. One that has thrown is not to be read on. */
export class TlsReader {
  readonly #bytes: Uint8Array
  readonly #structure: string
  #at = 0

  constructor(bytes: Uint8Array, structure: string) {
    this.#bytes = bytes
    this.#structure = structure
  }

  get finished(): boolean {
    return this.#at === this.#bytes.length
  }

  finish(): void {
    if (!this.finished) this.fail(`${this.#bytes.length - this.#at} bytes stand after its end`)
  }

  /** A big-endian number of so many octets, at most 2^53-1. */
  number(octets: number): number {
    let value = 0
    for (const octet of this.octets(octets)) value = value * 256 + octet
    if (value > Number.MAX_SAFE_INTEGER) this.fail('a number is over 2^53-1')
    return value
  }

  /** `opaque [length]`. */
  octets(length: number): Uint8Array {
    const start = this.#at
    if (length > this.#bytes.length - start) this.fail('it ends before it should')
    this.#at += length
    return this.#bytes.subarray(start, this.#at)
  }

  /** `opaque <least..most>`, whose length takes so many octets. */
  vector(lengthOctets: number, { least = 0, most = 256 ** lengthOctets - 1 } = {}): Uint8Array {
    const length = this.number(lengthOctets)
    if (length < least || length > most) this.fail(`a vector has ${length} octets, not ${least} to ${most}`)
    return this.octets(length)
  }

  /** The rest of a list, up to the end. */
  each<T>(read: (tls: TlsReader) => T, most: number): T[] {
    const values: T[] = []
    while (!this.finished) {
      if (values.length === most) this.fail(`it has more than ${most} elements`)
      values.push(read(this))
    }
    return values
  }

  fail(reason: string): never {
    throw new PkiError(
      'TRANSPARENCY_MALFORMED',
      `the ${this.#structure} is malformed: ${reason} (at byte ${this.#at})`,
      { structure: this.#structure, reason, offset: this.#at },
    )
  }
}
