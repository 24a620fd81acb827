import assert from 'node:assert/strict'
import { test } from 'node:test'
import { spanText, timeFrom, timeSince, timeText } from './time-text.ts'

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

/** `Date` takes the first two for times of the next day. */
const noTimes = [
  '2026-02-29T00:00:00Z',
  '2026-11-23T24:00:00Z',
  '2026-11-23T21:60:00Z',
  '2026-13-01T00:00:00Z',
]

test('timeFrom a time, or how far from now', () => {
  const now = Date.UTC(2026, 10, 23)
  const hour = 3_600_000
  assert.equal(timeFrom('--at', '2026-11-23T21:51:00Z', now), Date.UTC(2026, 10, 23, 21, 51))
  assert.equal(timeFrom('--at', '+30d', now), now + 30 * 24 * hour)
  assert.equal(timeFrom('--at', '-1h', now), now - hour)
  for (const wrong of ['', '+', '30d', '2026-11-23', '+30x', 'now', ...noTimes]) {
    assert.throws(() => timeFrom('--at', wrong, now), { code: 'USAGE' }, wrong)
  }
})

test('timeSince a time, a day, or how long ago', () => {
  const now = Date.UTC(2026, 10, 23)
  assert.equal(timeSince('--since', '2026-11-22T23:51:00+02:00', now), Date.UTC(2026, 10, 22, 21, 51))
  assert.equal(timeSince('--since', '2028-02-29', now), Date.UTC(2028, 1, 29))
  assert.equal(timeSince('--since', '24h', now), Date.UTC(2026, 10, 22))
  for (const wrong of ['', '+1h', '-1h', '2026-11', 'yesterday', '2026-02-30', ...noTimes]) {
    assert.throws(() => timeSince('--since', wrong, now), { code: 'USAGE' }, wrong)
  }
})
