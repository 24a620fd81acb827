import { encodeOid } from './oid.ts'
import { constructed, tag } from './tag.ts'
import { encodeGeneralizedTime, encodeTime } from './time.ts'

/** Identifier and length octets of a SEQUENCE with so many octets of content. */
export function sequenceHeader(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(tag.sequence, length)
  const octets = octetsFor(length)
  const header = Uint8Array.of(tag.sequence, 0x80 | octets, ...new Uint8Array(octets))
  for (let i = 0; i < octets; i++) header[2 + i] = length >>> (8 * (octets - 1 - i))
  return header
}

/** The DER that `write` writes, in a buffer of its own. */
export function encodeDer(write: (der: DerWriter) => void): Uint8Array {
  const der = new DerWriter(spare ?? new Uint8Array(spareLength))
  // Taken while it is in use, so that a nested call gets a buffer of its own.
  spare = undefined
  write(der)
  return der.finish()
}

/** The buffer of the last writer, kept for the next one unless it grew. */
let spare: Uint8Array<ArrayBuffer> | undefined
const spareLength = 4096

/**
 * Writes DER straight into one buffer, without a tree between: a constructed element reserves one octet for
 * its length, writes its content, and moves it only when the length needs more.
 */
export class DerWriter {
  #bytes: Uint8Array<ArrayBuffer>
  #length = 0

  constructor(buffer: Uint8Array<ArrayBuffer>) {
    this.#bytes = buffer
  }

  /** A copy of what was written; the writer is not to be used after it. */
  finish(): Uint8Array {
    if (this.#bytes.length === spareLength) spare = this.#bytes
    return this.#bytes.slice(0, this.#length)
  }

  /** An element that is encoded already. */
  raw(encoded: Uint8Array): void {
    this.#reserve(encoded.length)
    this.#bytes.set(encoded, this.#length)
    this.#length += encoded.length
  }

  element(identifier: number, content: Uint8Array): void {
    this.#header(identifier, content.length)
    this.#bytes.set(content, this.#length)
    this.#length += content.length
  }

  inside(identifier: number, write: () => void): void {
    this.#reserve(2)
    this.#bytes[this.#length++] = identifier
    const start = ++this.#length
    write()
    this.#closeAt(start)
  }

  sequence(write: () => void): void {
    this.inside(tag.sequence, write)
  }

  set(write: () => void): void {
    this.inside(tag.set, write)
  }

  /** `[number] EXPLICIT`. */
  explicit(number: number, write: () => void): void {
    this.inside(constructed(number), write)
  }

  /** An OCTET STRING that holds DER, as every extension does. */
  octetStringOf(write: () => void): void {
    this.inside(tag.octetString, write)
  }

  booleanTrue(identifier: number = tag.boolean): void {
    this.element(identifier, octetTrue)
  }

  /** A non-negative INTEGER below 2^31. */
  smallInteger(value: number, identifier: number = tag.integer): void {
    // One octet more where the first would have the sign bit.
    const octets = octetsFor(value * 2)
    this.#header(identifier, octets)
    this.#putNumber(this.#length, value, octets)
    this.#length += octets
  }

  /**
   * A non-negative INTEGER from big-endian octets: leading zeros are dropped, and one is put where the sign
   * needs it.
   */
  unsignedInteger(magnitude: Uint8Array, identifier: number = tag.integer): void {
    let start = 0
    while (start < magnitude.length - 1 && magnitude[start] === 0) start++
    const octets = magnitude.subarray(start)
    const pad = octets.length === 0 || (octets[0] as number) >= 0x80 ? 1 : 0
    this.#header(identifier, octets.length + pad)
    if (pad === 1) this.#bytes[this.#length++] = 0
    this.#bytes.set(octets, this.#length)
    this.#length += octets.length
  }

  /** A BIT STRING of whole octets. */
  octetsInBitString(octets: Uint8Array): void {
    this.#header(tag.bitString, octets.length + 1)
    this.#bytes[this.#length++] = 0
    this.#bytes.set(octets, this.#length)
    this.#length += octets.length
  }

  octetString(octets: Uint8Array): void {
    this.element(tag.octetString, octets)
  }

  null(): void {
    this.#header(tag.null, 0)
  }

  /** An OBJECT IDENTIFIER known to this program; its encoding is kept. */
  oid(dotted: string): void {
    let encoded = encodedOids.get(dotted)
    if (encoded === undefined) {
      encoded = encodeOid(dotted)
      encodedOids.set(dotted, encoded)
    }
    this.raw(encoded)
  }

  /**
   * UTCTime through 2049, GeneralizedTime from 2050 on (RFC 5280 §4.1.2.5). `time` in milliseconds since the
   * epoch.
   */
  time(time: number): void {
    const { tag: form, text } = encodeTime(time)
    this.ascii(text, form)
  }

  /** GeneralizedTime whatever the year. `time` in milliseconds since the epoch; fractions of a second are dropped. */
  generalizedTime(time: number): void {
    this.ascii(encodeGeneralizedTime(time), tag.generalizedTime)
  }

  utf8(text: string, identifier: number = tag.utf8String): void {
    if (isAsciiText(text)) this.ascii(text, identifier)
    else this.element(identifier, utf8Encoder.encode(text))
  }

  /** Text whose characters the caller has checked to be ASCII. */
  ascii(text: string, identifier: number): void {
    this.#header(identifier, text.length)
    const bytes = this.#bytes
    const start = this.#length
    for (let i = 0; i < text.length; i++) bytes[start + i] = text.charCodeAt(i)
    this.#length += text.length
  }

  /** Identifier and length, and room for the content. */
  #header(identifier: number, length: number): void {
    this.#reserve(length + 6)
    this.#bytes[this.#length++] = identifier
    if (length < 0x80) {
      this.#bytes[this.#length++] = length
      return
    }
    const octets = octetsFor(length)
    this.#bytes[this.#length++] = 0x80 | octets
    this.#putNumber(this.#length, length, octets)
    this.#length += octets
  }

  #closeAt(start: number): void {
    const length = this.#length - start
    if (length < 0x80) {
      this.#bytes[start - 1] = length
      return
    }
    const octets = octetsFor(length)
    this.#reserve(octets)
    this.#bytes.copyWithin(start + octets, start, this.#length)
    this.#bytes[start - 1] = 0x80 | octets
    this.#putNumber(start, length, octets)
    this.#length += octets
  }

  #putNumber(at: number, length: number, octets: number): void {
    for (let i = 0; i < octets; i++) this.#bytes[at + i] = length >>> (8 * (octets - 1 - i))
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more))
    larger.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = larger
  }
}

const octetTrue = Uint8Array.of(0xff)
const utf8Encoder = new TextEncoder()
const encodedOids = new Map<string, Uint8Array>()

/** The encoder costs more than the whole element; most text is short and ASCII. */
function isAsciiText(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= 0x80) return false
  return true
}

function octetsFor(number: number): number {
  return number < 0x100 ? 1 : number < 0x1_0000 ? 2 : number < 0x100_0000 ? 3 : 4
}
