import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RefusedCallersAnswer } from '@datapunk/authority'
import type { RefusedCaller } from '@datapunk/protocol'
import { ReportedRefusals } from './reported-refusals.ts'

const answer = (
  refused: RefusedCaller[] | undefined,
  service = 'lake',
  reports = 1,
): RefusedCallersAnswer => ({
  reports,
  peers: [{ service, instance: service, version: '1', refused }],
})
const nobody: RefusedCallersAnswer = { reports: 0, peers: [] }
const lake = { service: 'lake', serial: undefined, localPort: 50_000 }

test('a refusal is that of the connection from its port', () => {
  const reports = new ReportedRefusals(nobody)
  const own = { rule: 'NO_CERTIFICATE', at: 1, remote: '127.0.0.1:50000' }
  const others = [
    { rule: 'NO_CERTIFICATE', at: 1, remote: '127.0.0.1:5000' },
    { rule: 'NO_CERTIFICATE', at: 1, remote: '127.0.0.1:50001' },
    { rule: 'NO_CERTIFICATE', at: 1 },
  ]
  reports.add(answer(others))
  assert.equal(reports.of(lake), undefined, 'others are refused for the same')
  reports.add(answer([...others, own]))
  assert.deepEqual(reports.of(lake), own)
  assert.equal(reports.of({ ...lake, service: 'stream' }), undefined, 'by another service')
})

test('where something in between has changed the port, the certificate tells it', () => {
  const reports = new ReportedRefusals(nobody)
  const own = { rule: 'REVOKED', at: 1, remote: '10.0.0.1:7', serial: 'ab' }
  reports.add(answer([own, { rule: 'REVOKED', at: 1, remote: '10.0.0.1:50000', serial: 'cd' }]))
  assert.deepEqual(reports.of({ ...lake, serial: 'ab' }), own)
  assert.equal(reports.of(lake), undefined, 'nothing was shown, so nothing tells it')
})

test('what was reported before anything was tried is no evidence', () => {
  const old = { rule: 'REVOKED', at: 1, remote: '127.0.0.1:50000', serial: 'ab' }
  const reports = new ReportedRefusals(answer([old]))
  reports.add(answer([old], 'lake', 2))
  assert.equal(reports.of({ ...lake, serial: 'ab' }), undefined)
  const now = { ...old, at: 2 }
  reports.add(answer([old, now], 'lake', 3))
  assert.deepEqual(reports.of({ ...lake, serial: 'ab' }), now)
  assert.equal(reports.heard, 3)
})

test('what has fallen out of the newest report is not forgotten', () => {
  const reports = new ReportedRefusals(nobody)
  const own = { rule: 'NO_CERTIFICATE', at: 1, remote: '127.0.0.1:50000' }
  reports.add(answer([own]))
  reports.add(answer([]))
  assert.deepEqual(reports.of(lake), own)
})

test('a peer of before there were such reports does not tell', () => {
  const reports = new ReportedRefusals(answer(undefined))
  assert.equal(reports.isTold('lake'), false)
  assert.equal(reports.peersOf('lake').length, 1)
  reports.add(answer([]))
  assert.equal(reports.isTold('lake'), true)
})
