import { asciiText } from '../octets.ts'
import { PkiError } from '../pki-error.ts'
import { derBudget } from './budget.ts'
import { decodeOid } from './oid.ts'
import { constructed, tag } from './tag.ts'
import { decodeGeneralizedTime, decodeTime } from './time.ts'

/** One element as it stands in the bytes: nothing is copied, nothing is re-encoded. */
export interface DerElement {
  readonly tag: number
  readonly content: Uint8Array
  /** Identifier, length and content octets. */
  readonly encoded: Uint8Array
}

/** A BIT STRING (X.690 §8.6): `unusedBits` of the last octet don't count, and are zero (§11.2.1). */
export interface BitString {
  readonly unusedBits: number
  readonly bytes: Uint8Array
}

/**
 * Reads one DER value from `bytes` with `read`, which must consume all of it.
 *
 * @param maxBytes the size budget in bytes, where the default of 64 KiB is not meant
 * @throws PkiError `DER_INVALID` with `data.offset`, `DER_BUDGET_EXCEEDED` with `data.budget`
 */
export function readDer<T>(
  bytes: Uint8Array,
  read: (der: DerReader) => T,
  maxBytes: number = derBudget.bytes,
): T {
  if (bytes.length > maxBytes) {
    throw new PkiError(
      'DER_BUDGET_EXCEEDED',
      `an object of ${bytes.length} bytes was found; at most ${maxBytes} are read`,
      { budget: 'bytes', found: bytes.length, allowed: maxBytes },
    )
  }
  const reader = new DerReader(bytes, Math.max(derBudget.elements, maxBytes >>> 2))
  const value = read(reader)
  reader.finish()
  return value
}

/**
 * A strict reader of DER (X.690 §10, §11): definite and minimal lengths, minimal integers, no byte left over.
 * Methods are named for the ASN.1 types, so that code which reads a structure reads like its grammar. One that has
 * thrown is not to be read on.
 */
export class DerReader {
  readonly #bytes: Uint8Array
  #at = 0
  /** Of the constructed element that is being read. */
  #end: number
  #depth = 0
  #elementsLeft: number
  /** Where the content of the element found last begins; it ends at `#at`. */
  #start = 0

  constructor(bytes: Uint8Array, elements: number) {
    this.#bytes = bytes
    this.#end = bytes.length
    this.#elementsLeft = elements
  }

  get finished(): boolean {
    return this.#at === this.#end
  }

  /** Whether the next element has this identifier octet: how OPTIONAL, DEFAULT and CHOICE are decided. */
  next(expected: number): boolean {
    return this.#at < this.#end && this.#bytes[this.#at] === expected
  }

  finish(): void {
    if (this.#at !== this.#end)
      this.fail(`${this.#end - this.#at} bytes stand after the end of the structure`)
  }

  /** Any element. */
  any(): DerElement {
    const start = this.#at
    const found = this.#bytes[start] as number
    return { tag: found, content: this.content(found), encoded: this.#bytes.subarray(start, this.#at) }
  }

  /** The content octets of the next element, which has this tag. */
  content(expected: number): Uint8Array {
    this.#find(expected)
    return this.#bytes.subarray(this.#start, this.#at)
  }

  /** The next element, which has this tag, header included: for what is kept as it was signed. */
  encoded(expected: number): Uint8Array {
    const start = this.#at
    this.#find(expected)
    return this.#bytes.subarray(start, this.#at)
  }

  /** Enters a constructed element; `read` must consume all of it, with this same reader, which ends there meanwhile. */
  inside<T>(expected: number, read: (der: DerReader) => T): T {
    const outerEnd = this.#enter(expected)
    const value = read(this)
    this.#leave(outerEnd)
    return value
  }

  sequence<T>(read: (der: DerReader) => T): T {
    return this.inside(tag.sequence, read)
  }

  /** Runs `read` over the next elements, and returns the octets they were read from beside its value. */
  kept<T>(read: (der: DerReader) => T): { value: T; encoded: Uint8Array } {
    const start = this.#at
    const value = read(this)
    return { value, encoded: this.#bytes.subarray(start, this.#at) }
  }

  /** `[number] EXPLICIT … OPTIONAL`. */
  optional<T>(number: number, read: (der: DerReader) => T): T | undefined {
    return this.next(constructed(number)) ? this.inside(constructed(number), read) : undefined
  }

  /** The rest of a list: reads until the end. */
  each<T>(read: (der: DerReader) => T): T[] {
    const values: T[] = []
    while (!this.finished) values.push(read(this))
    return values
  }

  /** `SEQUENCE OF`. */
  sequenceOf<T>(read: (der: DerReader) => T): T[] {
    const outerEnd = this.#enter(tag.sequence)
    const values = this.each(read)
    this.#leave(outerEnd)
    return values
  }

  /** `SET SIZE (1..MAX) OF`: the encodings of its elements stand in ascending order (X.690 §11.6). */
  setOf<T>(read: (der: DerReader) => T): T[] {
    const outerEnd = this.#enter(tag.set)
    let before = this.#at
    const values = [read(this)]
    while (!this.finished) {
      const start = this.#at
      values.push(read(this))
      const ordered = Buffer.compare(
        this.#bytes.subarray(before, start),
        this.#bytes.subarray(start, this.#at),
      )
      if (ordered >= 0) this.fail('a SET OF is not in order')
      before = start
    }
    this.#leave(outerEnd)
    return values
  }

  /** `BOOLEAN DEFAULT FALSE`: DER leaves the default out (X.690 §11.5) and writes TRUE as FF (§11.1). */
  booleanDefaultFalse(expected: number = tag.boolean): boolean {
    if (!this.next(expected)) return false
    this.#find(expected)
    if (this.#at - this.#start !== 1 || this.#bytes[this.#start] !== 0xff)
      this.fail('a BOOLEAN DEFAULT FALSE is not TRUE as FF')
    return true
  }

  /** Content octets of an INTEGER: two's complement, minimal (X.690 §8.3.2). */
  integer(expected: number = tag.integer): Uint8Array {
    const content = this.content(expected)
    const first = content[0]
    const second = content[1]
    if (first === undefined) this.fail('an INTEGER has no octets')
    if (second !== undefined && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))) {
      this.fail('an INTEGER has needless leading octets')
    }
    return content
  }

  /** An INTEGER from 0 to 2^31-1. */
  smallInteger(expected: number = tag.integer): number {
    const content = this.integer(expected)
    if (content.length > 4 || (content[0] as number) >= 0x80) {
      this.fail('an INTEGER is negative or over 2147483647')
    }
    let value = 0
    for (const octet of content) value = value * 256 + octet
    return value
  }

  bitString(): BitString {
    this.#find(tag.bitString)
    const length = this.#at - this.#start
    const unusedBits = this.#bytes[this.#start] as number
    if (length === 0 || unusedBits > 7 || (unusedBits > 0 && length === 1)) {
      this.fail('a BIT STRING counts its unused bits wrongly')
    }
    const last = this.#bytes[this.#at - 1] as number
    if (unusedBits > 0 && (last & ((1 << unusedBits) - 1)) !== 0) {
      this.fail('the unused bits of a BIT STRING are not zero')
    }
    return { unusedBits, bytes: this.#bytes.subarray(this.#start + 1, this.#at) }
  }

  /** A BIT STRING of whole octets: keys and signatures. */
  octetsInBitString(): Uint8Array {
    const { unusedBits, bytes } = this.bitString()
    if (unusedBits !== 0) this.fail('a BIT STRING that holds octets has unused bits')
    return bytes
  }

  octetString(): Uint8Array {
    return this.content(tag.octetString)
  }

  null(): void {
    if (this.content(tag.null).length !== 0) this.fail('a NULL has content')
  }

  /** An OBJECT IDENTIFIER in dotted form. */
  oid(): string {
    this.#find(tag.oid)
    return (
      decodeOid(this.#bytes, this.#start, this.#at) ??
      this.fail('an OBJECT IDENTIFIER is empty, too long or not minimal')
    )
  }

  /** UTCTime or GeneralizedTime as RFC 5280 §4.1.2.5 allows them, in milliseconds since the epoch. */
  time(): number {
    const found = this.#bytes[this.#at] as number
    this.#find(found)
    return (
      decodeTime(found, this.#bytes, this.#start, this.#at) ??
      this.fail('a time is not as RFC 5280 §4.1.2.5 writes it')
    )
  }

  /** GeneralizedTime of any year, without fractions of a second, in milliseconds since the epoch. */
  generalizedTime(): number {
    this.#find(tag.generalizedTime)
    return (
      decodeGeneralizedTime(this.#bytes, this.#start, this.#at) ??
      this.fail('a GeneralizedTime is not in whole seconds and in UTC')
    )
  }

  /** IA5String under any tag (most are `[n] IMPLICIT`). */
  ia5String(expected: number = tag.ia5String): string {
    const content = this.content(expected)
    return asciiText(content) ?? this.fail('an IA5String is not ASCII')
  }

  fail(reason: string): never {
    throw new PkiError('DER_INVALID', `${reason} (at byte ${this.#at})`, { reason, offset: this.#at })
  }

  /** Goes into the next element; what it returns, `#leave` wants to know. */
  #enter(expected: number): number {
    const offset = this.#at
    const outerEnd = this.#end
    this.#find(expected)
    if (this.#depth === derBudget.depth) {
      throw new PkiError(
        'DER_BUDGET_EXCEEDED',
        `elements are nested deeper than ${derBudget.depth}; no object of ours nests deeper than 10`,
        { budget: 'depth', allowed: derBudget.depth, offset },
      )
    }
    this.#end = this.#at
    this.#at = this.#start
    this.#depth++
    return outerEnd
  }

  #leave(outerEnd: number): void {
    this.finish()
    this.#end = outerEnd
    this.#depth--
  }

  /** Goes past the next element, by its identifier and length octets (X.690 §8.1.2, §8.1.3, §10.1). */
  #find(expected: number): void {
    const bytes = this.#bytes
    const start = this.#at
    if (start >= this.#end) this.fail('the structure ends where an element is needed')
    const found = bytes[start] as number
    if ((found & 0x1f) === 0x1f) this.fail('a tag number over 30 is used by no type read here')
    if (found !== expected) this.fail(`found tag 0x${hexOctet(found)}, need 0x${hexOctet(expected)}`)
    if (--this.#elementsLeft < 0) {
      throw new PkiError('DER_BUDGET_EXCEEDED', 'the object has more elements than are read', {
        budget: 'elements',
        offset: start,
      })
    }
    if (start + 1 >= this.#end) this.fail('an element has no length')
    let length = bytes[start + 1] as number
    let content = start + 2
    if (length >= 0x80) {
      const octets = length & 0x7f
      if (octets === 0) this.fail('a length is indefinite')
      if (octets > 4) this.fail('a length takes more than four octets')
      if (content + octets > this.#end) this.fail('a length is cut off')
      length = 0
      for (let i = 0; i < octets; i++) length = length * 256 + (bytes[content + i] as number)
      if (length < 0x80 || length < 256 ** (octets - 1)) this.fail('a length is not minimal')
      content += octets
    }
    if (content + length > this.#end) this.fail('an element is longer than what holds it')
    this.#start = content
    this.#at = content + length
  }
}

function hexOctet(octet: number): string {
  return octet.toString(16).padStart(2, '0')
}
