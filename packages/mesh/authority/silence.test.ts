import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FixedClock } from '@datapunk/testkit'
import { Silence } from './silence.ts'

test('silence is noticed when it is too long, counted from what was heard last', () => {
  const clock = new FixedClock()
  let noticed = 0
  const silence = new Silence(clock, 30_000, () => noticed++)
  clock.advance(29_999)
  silence.heard()
  clock.advance(29_999)
  assert.equal(noticed, 0)
  clock.advance(1)
  assert.equal(noticed, 1)
  silence.heard()
  silence.stop()
  clock.advance(60_000)
  assert.equal(noticed, 1)
})
