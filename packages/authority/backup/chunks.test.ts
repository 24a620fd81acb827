import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CHUNK_BYTES, openChunks, sealChunks } from './chunks.ts'

const TAG_BYTES = 16
const seal = { key: new Uint8Array(32).fill(7), associated: Buffer.from('header') }

async function sealed(plain: Uint8Array, pieceSize = 300_000): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for (let at = 0; at < plain.length; at += pieceSize) pieces.push(plain.subarray(at, at + pieceSize))
  return Buffer.concat(await Array.fromAsync(sealChunks(pieces, seal)))
}

function opened(bytes: Uint8Array, change: Partial<typeof seal> = {}): Buffer {
  let at = 0
  const read = (length: number) => {
    at += length
    return bytes.subarray(at - length, at)
  }
  const fail = () => new Error('changed')
  return Buffer.concat([...openChunks(bytes.length, read, { ...seal, ...change }, fail)])
}

for (const size of [
  0,
  1,
  CHUNK_BYTES - 1,
  CHUNK_BYTES,
  CHUNK_BYTES + 1,
  2 * CHUNK_BYTES,
  2 * CHUNK_BYTES + 5,
]) {
  test(`${size} bytes come back as they were`, async () => {
    const plain = Buffer.alloc(size, 'abc')
    const bytes = await sealed(plain)
    assert.equal(bytes.length, size + TAG_BYTES * Math.max(1, Math.ceil(size / CHUNK_BYTES)))
    assert.ok(opened(bytes).equals(plain))
  })
}

const bytes = await sealed(Buffer.alloc(3 * CHUNK_BYTES, 'abc'))
const chunk = CHUNK_BYTES + TAG_BYTES
const [first, second, third] = [0, 1, 2].map((n) => bytes.subarray(n * chunk, (n + 1) * chunk)) as Buffer[]

for (const [what, altered] of Object.entries({
  'cut at the end of a chunk': bytes.subarray(0, 2 * chunk),
  'cut within a chunk': bytes.subarray(0, 2 * chunk + 100),
  'cut to less than a tag': bytes.subarray(0, 5),
  'with nothing left': Buffer.alloc(0),
  'with a chunk left out': Buffer.concat([first!, third!]),
  'with two chunks swapped': Buffer.concat([second!, first!, third!]),
  'with a chunk repeated': Buffer.concat([first!, first!, second!, third!]),
  'with bytes appended': Buffer.concat([bytes, Buffer.alloc(20)]),
  'with one bit changed': bytes.with(chunk + 3, bytes[chunk + 3]! ^ 1),
})) {
  test(`what was ${what} does not open`, () => assert.throws(() => opened(altered), /changed/))
}

test('nothing opens with another key, or under another header', () => {
  assert.throws(() => opened(bytes, { key: new Uint8Array(32) }), /changed/)
  assert.throws(() => opened(bytes, { associated: Buffer.from('other') }), /changed/)
})
