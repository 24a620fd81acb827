import assert from 'node:assert/strict'
import { test } from 'node:test'
import { spanText, timeFrom, timeText } from './time-text.ts'

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

test('timeFrom a time, or how far from now', () => {
  const now = Date.UTC(2026, 10, 23)
  const hour = 3_600_000
  assert.equal(timeFrom('--at', '2026-11-23T21:51:00Z', now), Date.UTC(2026, 10, 23, 21, 51))
  assert.equal(timeFrom('--at', '+30d', now), now + 30 * 24 * hour)
  assert.equal(timeFrom('--at', '-1h', now), now - hour)
  for (const wrong of ['', '+', '30d', '2026-11-23', '+30x', 'now']) {
    assert.throws(() => timeFrom('--at', wrong, now), { code: 'USAGE' })
  }
})
