import type { Readable } from 'node:stream'
import { printable } from './printable.ts'

/** Reads what a program says to its end, so that it never waits for us, and keeps the last of it. */
export class OutputTail {
  readonly #bytes: number
  #tail: Uint8Array = new Uint8Array()

  /** @param bytes how much is kept of all the streams together */
  constructor(bytes: number, streams: Iterable<Readable>) {
    this.#bytes = bytes
    for (const stream of streams) stream.on('data', this.#add).on('error', () => {})
  }

  text(): string {
    // A character that was cut in two becomes U+FFFD.
    return printable(Buffer.from(this.#tail).toString('utf8'))
  }

  readonly #add = (chunk: Uint8Array): void => {
    const both = Buffer.concat([this.#tail, chunk.subarray(-this.#bytes)])
    this.#tail = both.subarray(-this.#bytes)
  }
}
