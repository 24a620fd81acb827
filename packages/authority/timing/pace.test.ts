import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { FixedClock, seededRandom } from '@datapunk/testkit'
import fc from 'fast-check'
import { nextTry, Pace } from './pace.ts'

describe('the pace of renewals', () => {
  test('lets never more begin in a minute than it is told', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.array(fc.record({ wait: fc.nat(40_000), wanted: fc.nat(60) }), { maxLength: 40 }),
        (perMinute, steps) => {
          const clock = new FixedClock(0)
          const pace = new Pace(clock.now)
          let window = 0
          let begun = 0
          for (const { wait, wanted } of steps) {
            clock.advance(wait)
            const taken = pace.take(wanted, perMinute)
            assert.ok(taken <= wanted)
            if (pace.windowEnds !== window) begun = 0
            window = pace.windowEnds
            begun += taken
            assert.ok(begun <= perMinute)
            // Whoever is put off is told when to come again, and it is never longer than a minute.
            if (taken < wanted)
              assert.ok(pace.windowEnds > clock.now() && pace.windowEnds <= clock.now() + 60_000)
          }
        },
      ),
    )
  })

  test('does not stop when the clock is set back', () => {
    const clock = new FixedClock(1_000_000)
    const pace = new Pace(clock.now)
    assert.equal(pace.take(5, 5), 5)
    clock.set(0)
    assert.equal(pace.take(5, 5), 5)
  })
})

describe('what has failed', () => {
  test('is tried again later and later, at most an hour later, and never in lockstep', () => {
    const random = seededRandom('tries')
    const waits = (attempts: number) => Array.from({ length: 200 }, () => nextTry(0, attempts, random))
    for (const [attempts, longest] of [
      [1, 30_000],
      [2, 60_000],
      [5, 480_000],
      [12, 3_600_000],
      [1000, 3_600_000],
    ] as const) {
      const drawn = waits(attempts)
      assert.ok(drawn.every((wait) => wait >= longest / 2 && wait <= longest))
      assert.ok(new Set(drawn).size > 190)
    }
  })
})
