import assert from 'node:assert/strict'
import { test } from 'node:test'
import { spanText, timeText } from './time-text.ts'

test('timeText RFC 3339, UTC, whole seconds', () => {
  assert.equal(timeText(Date.UTC(2026, 10, 23, 21, 51, 0, 999)), '2026-11-23T21:51:00Z')
})

test('spanText the two largest units', () => {
  const hour = 3_600_000
  assert.equal(spanText(0), '0 s')
  assert.equal(spanText(999), '0 s')
  assert.equal(spanText(61_000), '1 min 1 s')
  assert.equal(spanText(2 * hour), '2 h')
  assert.equal(spanText(24 * hour), '1 day')
  assert.equal(spanText(364 * 24 * hour + 22 * hour + 59_000), '364 days 22 h')
})
