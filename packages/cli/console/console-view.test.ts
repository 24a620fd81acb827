import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { InstanceStatus, Status } from '@datapunk/authority'
import { consoleView } from './console-view.ts'

const now = Date.UTC(2026, 5, 1)
const DAY = 24 * 60 * 60 * 1000

const lake: InstanceStatus = {
  ...{ service: 'lake', instance: 'lake', place: 'here', names: [], serial: 'ab', pair: 'current' },
  ...{ notBefore: now - DAY, notAfter: now + 3 * DAY, renewalDue: now + DAY, barred: false, held: false },
  ...{ failed: undefined, untold: undefined, delivery: 'proven', live: 1, versions: [], reporting: 1 },
  enforced: '1.1',
}

function viewOf(services: readonly InstanceStatus[], change: Partial<Status> = {}) {
  const status = {
    ...{ trustDomain: 'service.datapunk', meshId: 'ab', environment: undefined, fault: undefined },
    ...{ ahead: undefined, lostFiles: [], bundle: '1.1', bundleExpiresAt: now + DAY, cas: [], services },
    transparency: { wanted: 'required', mode: 'required', logs: [] },
    pinning: { wanted: 'required', mode: 'required' },
    ...{ outage: undefined, upcoming: [], waits: [], asks: [], links: [] },
    ...change,
  } as unknown as Status
  return consoleView(status, [], now)
}

describe('a service, as the console shows it', () => {
  const cases: readonly [string, Partial<InstanceStatus>, state: string, note?: RegExp][] = [
    ['enforces the newest bundle', {}, 'good'],
    ['enforces another', { enforced: '1.0' }, 'warning', /^lake: enforces 1\.0, not 1\.1$/],
    ['enforces nothing yet', { enforced: undefined }, 'warning', /nothing yet/],
    ['is held', { held: true }, 'warning', /`mtls rotate lake --resume`/],
    ['is late', { renewalDue: now }, 'bad', /late: `mtls apply` mends it/],
    ['is revoked', { barred: true, enforced: '1.0' }, 'bad', /`mtls issue lake` lets it in again/],
    ['is not there', { live: 0, enforced: undefined }, 'quiet', /no process of it speaks/],
    ['reads files', { live: 0, delivery: 'by-file', enforced: undefined }, 'good'],
  ]
  for (const [how, change, state, note] of cases) {
    test(`${how}: ${state}`, () => {
      const [shown] = viewOf([{ ...lake, ...change }]).services
      assert.equal(shown?.state, state)
      assert.equal(shown.notes.length, note === undefined ? 0 : 1, shown.notes.join('; '))
      if (note !== undefined) assert.match(shown.notes[0]!, note)
    })
  }

  test('is as bad as the worst of its instances', () => {
    const [shown] = viewOf([lake, { ...lake, instance: 'lake-2', pair: 'missing' }]).services
    assert.equal(shown?.state, 'bad')
    assert.match(shown.notes.join(), /^lake-2: pair missing/)
  })
})

test('what is due is shown with the first first: renewals that come, and ends of CAs in use', () => {
  const ca = (slot: string, state: string, notAfter: number) => ({ slot, kind: 'root', state, notAfter })
  const cas = [ca('root-1', 'retiring', now + 1), ca('root-2', 'active', now + 2)] as unknown as Status['cas']
  const services = [
    lake,
    { ...lake, service: 'held', instance: 'held', held: true },
    { ...lake, service: 'barred', instance: 'barred', barred: true },
    { ...lake, service: 'elsewhere', instance: 'elsewhere', renewalDue: undefined },
  ]
  assert.deepEqual(viewOf(services, { cas }).mesh.due, [
    { at: now + 2, kind: 'end', subject: 'root-2' },
    { at: now + DAY, kind: 'renewal', subject: 'lake' },
  ])
})
