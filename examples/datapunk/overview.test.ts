import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Overview } from './overview.ts'
import { parseReport } from './report.ts'

const at = Date.UTC(2026, 0, 1)
const call = { caller: 'stream', certificate: 'f2486bee', until: at + 1000, connections: 2, last: at }
const report = { calls: [call], refused: 1, counts: { records: 3 } }

test('calls of all services, the latest first, with times for people', () => {
  const overview = new Overview()
  overview.take('lake', parseReport(report), at)
  overview.take(
    'stream',
    parseReport({ ...report, calls: [{ ...call, caller: 'nexus', last: at + 5000 }] }),
    at,
  )
  const document = overview.document(at + 6000)
  assert.equal(document.at, '2026-01-01T00:00:06Z')
  assert.deepEqual(
    document.calls.map(({ caller, callee, last }) => [caller, callee, last]),
    [
      ['nexus', 'stream', '2026-01-01T00:00:05Z'],
      ['stream', 'lake', '2026-01-01T00:00:00Z'],
    ],
  )
  assert.deepEqual(document.services[0], {
    service: 'lake',
    reported: '2026-01-01T00:00:00Z',
    refused: 1,
    counts: { records: 3 },
  })
})

test('a later report takes the place of the earlier one', () => {
  const overview = new Overview()
  overview.take('lake', parseReport(report), at)
  overview.take('lake', parseReport({ ...report, calls: [] }), at)
  assert.deepEqual(overview.document(at).calls, [])
})

test('a report says nothing about whom it is from', () => {
  const overview = new Overview()
  overview.take(
    'lake',
    parseReport({ ...report, service: 'nexus', calls: [{ ...call, callee: 'nexus' }] }),
    at,
  )
  assert.equal(overview.document(at).calls[0]?.callee, 'lake')
})

test('what a report may not be', () => {
  const bad: unknown[] = [
    null,
    [],
    {},
    { ...report, calls: 1 },
    { ...report, calls: Array.from({ length: 101 }, () => call) },
    { ...report, calls: [{ ...call, caller: '<b>' }] },
    { ...report, calls: [{ ...call, certificate: 'xyz' }] },
    { ...report, calls: [{ ...call, until: 1e300 }] },
    { ...report, calls: [{ ...call, last: -1 }] },
    { ...report, refused: '1' },
    { ...report, counts: { 'a:b': 1 } },
    { ...report, counts: Object.fromEntries(Array.from({ length: 21 }, (_, n) => ['x'.repeat(n + 1), 1])) },
  ]
  for (const json of bad) assert.throws(() => parseReport(json), { status: 400, code: 'REPORT_INVALID' })
})
