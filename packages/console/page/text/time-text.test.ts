import assert from 'node:assert/strict'
import { test } from 'node:test'
import { durationText, relativeText, spanText, timeText } from './time-text.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

test('a time is RFC 3339, UTC, in whole seconds', () => {
  assert.equal(timeText(Date.UTC(2026, 10, 23, 21, 51, 0, 120)), '2026-11-23T21:51:00Z')
})

test('a span has its largest units', () => {
  const spans = [
    999,
    48_000,
    61_000,
    HOUR,
    HOUR + 12 * 60_000,
    6 * DAY + 3 * HOUR,
    6 * DAY,
    364 * DAY + 5 * HOUR,
  ]
  assert.deepEqual(spans.map(spanText), [
    '0 s',
    '48 s',
    '1 min',
    '1 h',
    '1 h 12 min',
    '6 d 3 h',
    '6 d',
    '364 d',
  ])
})

test('a time is told from now', () => {
  assert.equal(relativeText(5000, 0), 'in 5 s')
  assert.equal(relativeText(0, 5000), '5 s ago')
  assert.equal(relativeText(400, 0), 'now')
})

test('how long something took is told as exactly as it matters', () => {
  assert.deepEqual([84.4, 2440, 61_000, 3 * HOUR].map(durationText), ['84 ms', '2.4 s', '1 min', '3 h'])
})
