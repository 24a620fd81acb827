import { sequenceHeader } from './writer.ts'

/** What the identifier and length octets of a SEQUENCE take at most. */
const HEADER = 6

/**
 * A SEQUENCE of elements that are encoded already, to be the first element of another: in one buffer with room for that, so
 * that a list of a million is copied once and not again when it is signed.
 */
export class RoomySequence {
  readonly #buffer: Uint8Array
  /** The SEQUENCE. */
  readonly der: Uint8Array

  /** @param room octets for what will stand behind it */
  constructor(elements: readonly Uint8Array[], room: number) {
    const header = sequenceHeader(elements.reduce((sum, { length }) => sum + length, 0))
    const parts = [header, ...elements]
    const end = HEADER + parts.reduce((sum, { length }) => sum + length, 0)
    this.#buffer = new Uint8Array(end + room)
    putAll(this.#buffer, HEADER, parts)
    this.der = this.#buffer.subarray(HEADER, end)
  }

  /**
   * The SEQUENCE of this one and more, in the same buffer; to be called once.
   *
   * @throws RangeError where there is no room for more
   */
  enclosedWith(more: readonly Uint8Array[]): Uint8Array {
    const length = more.reduce((sum, each) => sum + each.length, this.der.length)
    const header = sequenceHeader(length)
    const begin = HEADER - header.length
    this.#buffer.set(header, begin)
    putAll(this.#buffer, HEADER + this.der.length, more)
    return this.#buffer.subarray(begin, HEADER + length)
  }
}

function putAll(buffer: Uint8Array, at: number, parts: readonly Uint8Array[]): void {
  for (const part of parts) {
    buffer.set(part, at)
    at += part.length
  }
}
