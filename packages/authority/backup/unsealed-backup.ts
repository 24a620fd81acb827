import { invalid } from './header.ts'
import { MAX_MANIFEST_BYTES, type Manifest, parseManifest } from './manifest.ts'

const LINE_END = 0x0a

/** What a backup holds, to be read once, in the order in which it lies there. */
export class UnsealedBackup {
  readonly #plain: Plain
  readonly #path: string
  readonly #manifest: Manifest

  /** @param chunks opened one after the other. @param path for errors */
  constructor(chunks: Iterator<Uint8Array>, path: string) {
    const plain = new Plain(chunks)
    const line = plain.line(MAX_MANIFEST_BYTES)
    const manifest = line && parseManifest(line)
    if (manifest === undefined) throw invalid(path, 'does not say what it holds')
    this.#plain = plain
    this.#path = path
    this.#manifest = manifest
  }

  /** First. */
  *keys(): Generator<{ readonly slot: string; readonly file: Uint8Array }> {
    for (const { slot, size } of this.#manifest.keys) {
      yield { slot, file: Buffer.concat([...this.#pieces(size)]) }
    }
  }

  /** Then. When it has been read to its end, all of the backup has proven to be what was sealed. */
  *inventory(): Generator<Uint8Array> {
    yield* this.#pieces(this.#manifest.inventory)
    if (!this.#plain.isAtEnd) throw invalid(this.#path, 'holds more than it says')
  }

  *#pieces(size: number): Generator<Uint8Array> {
    for (let left = size; left > 0; ) {
      const piece = this.#plain.piece(left)
      if (piece.length === 0) throw invalid(this.#path, 'holds less than it says')
      left -= piece.length
      yield piece
    }
  }
}

/** Bytes as they come, taken in other lengths. */
class Plain {
  readonly #chunks: Iterator<Uint8Array>
  #held: Uint8Array = new Uint8Array()

  constructor(chunks: Iterator<Uint8Array>) {
    this.#chunks = chunks
  }

  /** Up to the line's end, which is left out; undefined where none comes in `maxBytes`. It has to be in one chunk. */
  line(maxBytes: number): Uint8Array | undefined {
    this.#fill()
    const end = this.#held.indexOf(LINE_END)
    if (end < 0 || end > maxBytes) return undefined
    const line = this.#held.subarray(0, end)
    this.#held = this.#held.subarray(end + 1)
    return line
  }

  /** At most `length` bytes; none only at the end. */
  piece(length: number): Uint8Array {
    this.#fill()
    const piece = this.#held.subarray(0, length)
    this.#held = this.#held.subarray(piece.length)
    return piece
  }

  get isAtEnd(): boolean {
    this.#fill()
    return this.#held.length === 0
  }

  #fill(): void {
    while (this.#held.length === 0) {
      const next = this.#chunks.next()
      if (next.done) return
      this.#held = next.value
    }
  }
}
