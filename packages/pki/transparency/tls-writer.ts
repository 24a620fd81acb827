/** What `write` writes in the encoding of TLS (RFC 9846 §3), in a buffer of its own. */
export function encodeTls(write: (tls: TlsWriter) => void): Uint8Array {
  const tls = new TlsWriter()
  write(tls)
  return tls.finish()
}

/** Keeps what it is given until the end, so that each octet is copied once. */
export class TlsWriter {
  readonly #parts: Uint8Array[] = []
  #length = 0

  finish(): Uint8Array {
    const bytes = new Uint8Array(this.#length)
    let at = 0
    for (const part of this.#parts) {
      bytes.set(part, at)
      at += part.length
    }
    return bytes
  }

  /** @throws RangeError unless the number is whole, not negative, and fits so many octets */
  number(value: number, octets: number): void {
    if (!Number.isSafeInteger(value) || value < 0 || value >= 256 ** octets) {
      throw new RangeError(`the number ${value} does not fit ${octets} octets without a sign`)
    }
    const bytes = new Uint8Array(octets)
    let rest = value
    for (let at = octets - 1; at >= 0; at--) {
      bytes[at] = rest % 256
      rest = Math.floor(rest / 256)
    }
    this.octets(bytes)
  }

  octets(octets: Uint8Array): void {
    this.#parts.push(octets)
    this.#length += octets.length
  }

  /** @throws RangeError when the length does not fit so many octets */
  vector(lengthOctets: number, octets: Uint8Array): void {
    this.number(octets.length, lengthOctets)
    this.octets(octets)
  }
}
