import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dateTime } from './wire.ts'

test('a time is one that there is, in UTC', () => {
  assert.equal(dateTime.parse('2026-06-01T00:00:00.5Z'), Date.UTC(2026, 5, 1) + 500)
  for (const text of [
    ...['2026-13-01T00:00:00Z', '2026-06-01T25:00:00Z', '2026-06-01T00:00:00+00:00', '2026-06-01'],
    ...['+002026-06-01T00:00:00Z', '2026-06-01t00:00:00z', ''],
  ])
    assert.equal(dateTime.safeParse(text).success, false, text)
})
