import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MAX_RECORDS, parseRecordQuery, parseRecords } from './record.ts'

const record = {
  id: '7b1f2a34-0000-4000-8000-000000000001',
  source: 'a',
  start: 0,
  end: 5000,
  count: 1,
  min: 1,
  max: 1,
  sum: 1,
}

test('records are read, and nothing else that came with them', () => {
  assert.deepEqual(parseRecords([{ ...record, more: 1 }]), [record])
})

test('what a record may not be', () => {
  for (const bad of [
    null,
    {},
    { ...record, id: '1' },
    { ...record, sum: null },
    { ...record, source: ' ' },
  ]) {
    assert.throws(() => parseRecords([bad]), { status: 400 })
  }
  assert.throws(() => parseRecords(record), { status: 400 })
  assert.throws(() => parseRecords(Array.from({ length: MAX_RECORDS + 1 }, () => record)), { status: 413 })
})

test('a query may leave everything out', () => {
  assert.deepEqual(parseRecordQuery(new URLSearchParams()), {
    source: undefined,
    from: 0,
    to: Number.MAX_SAFE_INTEGER,
    limit: 50,
  })
  const query = new URLSearchParams({ source: 'a', from: '2026-01-01T00:00:00Z', limit: '7' })
  assert.equal(parseRecordQuery(query).from, Date.UTC(2026, 0, 1))
})

test('what a query may not say', () => {
  for (const text of ['limit=0', 'limit=201', 'limit=1e1', 'from=now', 'source=%00', 'order=asc']) {
    assert.throws(() => parseRecordQuery(new URLSearchParams(text)), { status: 400 })
  }
})
