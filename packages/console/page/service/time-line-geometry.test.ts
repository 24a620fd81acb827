import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { placeOf, ticksOf, wholeOf } from './time-line-geometry.ts'

const at = (text: string) => Date.parse(text)
const DAY = 86_400_000

describe('the time line', () => {
  test('takes up all stretches, and now', () => {
    const whole = wholeOf([{ from: 10 * DAY, to: 20 * DAY }], 30 * DAY)
    assert.ok(whole.from < 10 * DAY && whole.to > 30 * DAY)
  })

  test('has places within its width, in the order of time', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 4e12 }), { minLength: 2, maxLength: 9 }), (times) => {
        const whole = wholeOf(
          times.map((from) => ({ from, to: from })),
          times[0]!,
        )
        const places = times.toSorted((a, b) => a - b).map((time) => placeOf(time, whole, 372))
        assert.ok(places.every((place, at) => place >= 0 && place <= 372 && place >= (places[at - 1] ?? 0)))
      }),
    )
  })

  test('has at most six round ticks, all within', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 3e12 }),
        fc.integer({ min: 7_200_000, max: 1e12 }),
        (from, length) => {
          const ticks = ticksOf({ from, to: from + length })
          assert.ok(ticks.length <= 6, `${ticks.length}`)
          assert.ok(ticks.every((tick) => tick.at >= from && tick.at <= from + length))
        },
      ),
    )
  })

  test('names ticks as exactly as they are apart', () => {
    const labels = (from: string, to: string) =>
      ticksOf({ from: at(from), to: at(to) }).map(({ label }) => label)
    assert.deepEqual(labels('2026-11-23T22:30Z', '2026-11-24T02:00Z'), ['23:00', '00:00', '01:00', '02:00'])
    assert.deepEqual(labels('2026-11-23T12:00Z', '2026-11-27T00:00Z'), ['11-24', '11-25', '11-26', '11-27'])
    assert.deepEqual(labels('2026-08-10T00:00Z', '2026-11-27T00:00Z'), ['2026-09', '2026-10', '2026-11'])
    assert.deepEqual(labels('2026-02-01T00:00Z', '2030-06-01T00:00Z'), ['2027', '2028', '2029', '2030'])
  })
})
