import assert from 'node:assert/strict'
import { test } from 'node:test'
import { remembering } from './remembering.ts'

test('the same bytes give the same answer, whoever changes what was given', () => {
  let reads = 0
  const read = remembering((bytes) => {
    reads++
    if (bytes.length === 0) throw new RangeError('empty')
    return { first: bytes[0] }
  })
  const bytes = Uint8Array.of(1, 2)
  const answer = read(bytes)
  assert.equal(read(Uint8Array.of(1, 2)), answer)
  bytes[0] = 9
  assert.deepEqual(read(bytes), { first: 9 })
  assert.equal(read(Uint8Array.of(1, 2)), answer)
  assert.equal(reads, 2)
  assert.throws(() => read(new Uint8Array()), RangeError)
  assert.throws(() => read(new Uint8Array()), RangeError)
  for (let other = 20; other < 30; other++) read(Uint8Array.of(other))
  assert.notEqual(read(Uint8Array.of(1, 2)), answer)
})
