import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from '@datapunk/protocol'
import { longestMemory, termsWithNext } from './longest-memory.ts'

const DAY = 24 * 60 * 60 * 1000
const now = Date.UTC(2026, 5, 1)

const configOf = (days: number, skew = '0s') =>
  parseConfig(
    JSON.stringify({ services: { lake: {} }, authority: { bundle_days: days, clock_skew: skew } }),
    {
      file: '/srv/mtls-config.yaml',
    },
  )
const [long, middle, short] = [configOf(30), configOf(7), configOf(1)]

test('a config that gives bundles a shorter life leaves those that peers have as they are', () => {
  const bundleTerms = termsWithNext([], long, now)
  const memory = longestMemory(short, { bundleTerms })
  assert.equal(memory(now), now + 30 * DAY)
  assert.equal(memory(now - DAY), now + 29 * DAY)
  assert.equal(memory(now + 3 * DAY), now + 30 * DAY, 'none of those has been issued since')
  assert.equal(memory(now + 40 * DAY), now + 41 * DAY)
  const apart = termsWithNext([], configOf(1, '1h'), now)
  assert.equal(longestMemory(short, { bundleTerms: apart })(now), now + DAY + DAY / 12)
})

test('one that gives them a longer life holds before there is such a bundle', () => {
  const bundleTerms = termsWithNext([], short, now)
  assert.equal(longestMemory(long, { bundleTerms })(now), now + 30 * DAY)
})

test('of bundles only those are known that outlive the next ones', () => {
  let terms = termsWithNext([], long, now)
  terms = termsWithNext(terms, middle, now + 26 * DAY)
  for (let day = 27; day < 30; day++) terms = termsWithNext(terms, short, now + day * DAY)
  assert.deepEqual(
    terms.map(({ memory, until }) => [memory / DAY, (until - now) / DAY]),
    [
      [30, 30],
      [7, 33],
      [1, 30],
    ],
  )
  assert.equal(termsWithNext(terms, short, now + 30 * DAY).length, 2)
  assert.equal(termsWithNext(terms, long, now + 30 * DAY).length, 1)
})
