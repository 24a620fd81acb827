import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { waitAfter } from './backoff.ts'

const LONGEST = 10_000
const waits = { first: 100, longest: LONGEST }
const drawing = (drawn: number) => (size: number) => Buffer.alloc(size, Buffer.of(drawn >> 8, drawn & 0xff))

describe('the wait after failures', () => {
  test('is between half and all of what doubles up to the longest, however many they are', () => {
    fc.assert(
      fc.property(fc.nat(5000), fc.nat(0xff_ff), (failures, drawn) => {
        const most = Math.min(LONGEST, 100 * 2 ** failures)
        const wait = waitAfter(failures, waits, drawing(drawn))
        assert.ok(most / 2 <= wait && wait <= most, `${wait} of ${most}`)
      }),
    )
  })

  test('is longer, the more is drawn', () => {
    fc.assert(
      fc.property(fc.nat(20), fc.nat(0xff_fe), (failures, drawn) => {
        const [less, more] = [drawn, drawn + 1].map((one) => waitAfter(failures, waits, drawing(one)))
        assert.ok(less! < more!)
      }),
    )
  })

  test('has both its ends', () => {
    assert.equal(waitAfter(0, waits, drawing(0)), 50)
    assert.equal(waitAfter(0, waits, drawing(0xff_ff)), 100)
    assert.equal(waitAfter(5, waits, drawing(0xff_ff)), 3200)
    assert.equal(waitAfter(100, waits, drawing(0)), LONGEST / 2)
    assert.equal(waitAfter(100, waits, drawing(0xff_ff)), LONGEST)
  })
})
