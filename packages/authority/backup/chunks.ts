import { createCipheriv, createDecipheriv } from 'node:crypto'

/**
 * A stream of any length, sealed in chunks, so that nothing unauthenticated is ever handed on, and neither end has to hold
 * more than one of them (the STREAM construction of https://eprint.iacr.org/2015/189, as age uses it):
 *
 *     chunk i = AES-256-GCM(key, nonce i, 1 MiB of it; the last one less or as much), tag 16 bytes
 *     nonce i = i in 11 octets, then 1 for the last chunk and 0 for every other
 *
 * The key is of this one file, so nonces may begin at 0. Chunks that were moved, left out, repeated or cut off at the end
 * don't open.
 */
export const CHUNK_BYTES = 1024 * 1024
const TAG_BYTES = 16

export interface ChunkSeal {
  /** 32 bytes, used for this one stream. */
  readonly key: Uint8Array
  /** Authenticated with every chunk. */
  readonly associated: Uint8Array
}

/** @param pieces of any lengths */
export async function* sealChunks(
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  seal: ChunkSeal,
): AsyncGenerator<Uint8Array> {
  let index = 0
  let held = Buffer.alloc(0)
  for await (const piece of pieces) {
    held = Buffer.concat([held, piece])
    // Whether a whole chunk is the last one is known only when more has come.
    while (held.length > CHUNK_BYTES) {
      yield sealChunk(held.subarray(0, CHUNK_BYTES), nonceOf(index++, false), seal)
      held = held.subarray(CHUNK_BYTES)
    }
  }
  yield sealChunk(held, nonceOf(index, true), seal)
}

/**
 * @param size how many bytes of sealed chunks there are
 * @param read the next ones
 * @throws what `fail` makes, for a chunk that does not open
 */
export function* openChunks(
  size: number,
  read: (length: number) => Uint8Array,
  seal: ChunkSeal,
  fail: (cause: unknown) => Error,
): Generator<Uint8Array> {
  const openNext = (index: number, chunk: Uint8Array, isLast: boolean) => {
    try {
      return openChunk(chunk, nonceOf(index, isLast), seal)
    } catch (cause) {
      throw fail(cause)
    }
  }
  let left = size
  for (let index = 0; index === 0 || left > 0; index++) {
    const chunk = read(Math.min(left, CHUNK_BYTES + TAG_BYTES))
    left -= CHUNK_BYTES + TAG_BYTES
    yield openNext(index, chunk, left <= 0)
  }
}

function sealChunk(plain: Uint8Array, nonce: Uint8Array, { key, associated }: ChunkSeal): Uint8Array {
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(associated)
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

function openChunk(chunk: Uint8Array, nonce: Uint8Array, { key, associated }: ChunkSeal): Uint8Array {
  const end = Math.max(0, chunk.length - TAG_BYTES)
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(associated)
  decipher.setAuthTag(chunk.subarray(end))
  return Buffer.concat([decipher.update(chunk.subarray(0, end)), decipher.final()])
}

function nonceOf(index: number, isLast: boolean): Uint8Array {
  const nonce = Buffer.alloc(12)
  nonce.writeUIntBE(index, 5, 6)
  nonce[11] = isLast ? 1 : 0
  return nonce
}
