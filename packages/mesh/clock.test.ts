import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { FixedClock } from '@datapunk/testkit'
import { atTime } from './clock.ts'

const day = 24 * 60 * 60 * 1000

describe('atTime', () => {
  test('calls once, at its time, however far away', () => {
    const clock = new FixedClock(0)
    const calls: number[] = []
    atTime(clock, 400 * day + 123, () => calls.push(clock.now()))
    clock.advance(400 * day)
    assert.deepEqual(calls, [])
    clock.advance(day)
    assert.deepEqual(calls, [400 * day + 123])
  })

  test('calls at once for what is past', () => {
    const clock = new FixedClock(1000)
    const calls: number[] = []
    atTime(clock, 500, () => calls.push(clock.now()))
    clock.advance(0)
    assert.deepEqual(calls, [1000])
  })

  test('never before its time, where the clock is set back while it waits', () => {
    const clock = new FixedClock(0)
    const calls: number[] = []
    atTime(clock, 5000, () => calls.push(clock.now()))
    clock.advance(4000)
    clock.shift(-3)
    clock.advance(1002)
    assert.deepEqual(calls, [])
    clock.advance(1)
    assert.deepEqual(calls, [5000])
  })

  test('within a minute of its time, where the clock is set forward, or the machine slept', () => {
    const clock = new FixedClock(0)
    const calls: number[] = []
    atTime(clock, 10 * day, () => calls.push(clock.now()))
    clock.advance(day)
    clock.shift(9 * day)
    clock.advance(60_000)
    assert.deepEqual(calls.length, 1)
  })

  test('can be taken back, also after many waits', () => {
    const clock = new FixedClock(0)
    let called = false
    const cancel = atTime(clock, 10 * day, () => {
      called = true
    })
    clock.advance(9 * day)
    cancel()
    clock.advance(9 * day)
    assert.equal(called, false)
  })
})
