import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FixedClock } from '@datapunk/testkit'
import { CircuitBreaker } from './circuit-breaker.ts'

const never = (signal: AbortSignal) =>
  new Promise<string>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))

test('whoever is silent is left alone for half a minute, and asked again then', async () => {
  const clock = new FixedClock(1_000_000)
  const breaker = new CircuitBreaker(clock.now, 1)
  await assert.rejects(breaker.run(never), { name: 'TimeoutError' })
  const unasked = () => breaker.run(async () => assert.fail('it was asked'))
  await assert.rejects(unasked, /a moment ago/)
  clock.advance(29_999)
  await assert.rejects(unasked, /a moment ago/)
  clock.advance(1)
  assert.equal(await breaker.run(async () => 'answer'), 'answer')
})

test('whoever answers, be it with a refusal, is asked on; and so is everybody after the clock was set back', async () => {
  const clock = new FixedClock(1_000_000)
  const breaker = new CircuitBreaker(clock.now, 1)
  const refusal = new Error('no')
  for (const _ of [1, 2]) {
    await assert.rejects(
      breaker.run(() => Promise.reject(refusal)),
      (error) => error === refusal,
    )
  }
  await assert.rejects(breaker.run(never), { name: 'TimeoutError' })
  clock.advance(-1)
  assert.equal(await breaker.run(async () => 'answer'), 'answer')
})
