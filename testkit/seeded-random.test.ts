import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seededRandom } from './seeded-random.ts'

describe('seededRandom', () => {
  it('gives the same octets for the same seed, and others each time', () => {
    const [one, same, other] = [seededRandom('a'), seededRandom('a'), seededRandom('b')]
    const first = one(16)
    assert.deepEqual(first, same(16))
    assert.notDeepEqual(first, other(16))
    assert.notDeepEqual(first, one(16))
  })

  it('gives as many as asked for', () => {
    for (const length of [0, 1, 32, 33, 100]) assert.equal(seededRandom('a')(length).length, length)
  })
})
