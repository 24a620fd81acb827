import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TokenBucket } from './token-bucket.ts'

test('a token bucket gives so many at once, and one more for each span', () => {
  const bucket = new TokenBucket({ burst: 2, refill: 100 }, 0)
  const taken = [0, 0, 0, 99, 100, 100, 10_000, 10_000, 10_000].map((now) => bucket.take(now))
  assert.deepEqual(taken, [true, true, false, false, true, false, true, true, false])
})

test('a token bucket never gives more than that, however the clock goes', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -500, max: 500 }), { maxLength: 100 }), (steps) => {
      const bucket = new TokenBucket({ burst: 3, refill: 100 }, 0)
      let [now, forward, taken] = [0, 0, 0]
      for (const step of steps) {
        now += step
        forward += Math.max(0, step)
        if (bucket.take(now)) taken++
        assert.ok(taken <= 3 + forward / 100)
      }
    }),
  )
})
