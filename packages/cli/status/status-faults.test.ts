import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { InstanceStatus, Status } from '@datapunk/authority'
import { faultNote, faultsOf, faultsOfInstance } from './status-faults.ts'

const now = Date.UTC(2026, 5, 1)
const DAY = 24 * 60 * 60 * 1000

const good: InstanceStatus = {
  ...{ service: 'lake', instance: 'lake', place: 'here', names: [], serial: 'ab', pair: 'current' },
  ...{ notBefore: now - DAY, notAfter: now + DAY, renewalDue: now + DAY / 2, barred: false, held: false },
  ...{
    failed: undefined,
    untold: undefined,
    delivery: 'proven',
    live: 1,
    versions: [],
    reporting: 1,
    enforced: '1.1',
  },
}

const cases: readonly (readonly [change: Partial<InstanceStatus>, faults: string[], mending?: string])[] = [
  [{}, []],
  [{ notBefore: now + 1 }, ['not valid yet'], 'mtls rotate lake'],
  [{ notAfter: now }, ['expired'], 'mtls apply'],
  [{ renewalDue: now }, ['late'], 'mtls apply'],
  [{ renewalDue: now, held: true }, []],
  [{ serial: undefined }, ['no certificate'], 'mtls apply'],
  [{ serial: undefined, barred: true }, []],
  [{ failed: { error: 'the disk is full', nextTryAt: now } }, ['renewal failed'], 'mtls apply'],
  [{ untold: { error: 'no such process', nextTryAt: now } }, ['not told of its files'], 'mtls apply'],
  [{ pair: 'missing' }, ['pair missing'], 'mtls apply'],
  [{ pair: 'other' }, ['another pair on disk'], 'mtls apply'],
]

for (const [change, faults, mending] of cases) {
  test(`${JSON.stringify(change)}: ${faults.join(', ') || 'nothing is wrong'}`, () => {
    const found = faultsOfInstance({ ...good, ...change }, now)
    assert.deepEqual(found, faults)
    if (mending !== undefined)
      assert.ok(faultNote(found[0]!, { ...good, ...change }, undefined).includes(`\`${mending}\``))
  })
}

test('where the CA is of the future too, its roll-over mends it, not another certificate under it', () => {
  const one = { ...good, notBefore: now + 1 }
  const ahead = { message: 'bundle 1.2 is of the future', anew: '`mtls rotate --issuing-ca`' }
  assert.equal(faultNote('not valid yet', one, ahead), 'not valid yet: `mtls rotate --issuing-ca` mends it')
})

const log = {
  ...({ wanted: 'required', mode: 'required', logs: [], elsewhere: undefined, reported: 0 } as const),
  ...{ failure: undefined, unread: undefined },
}
const paths = ['a', 'b', 'c', 'd', 'e', 'f']
const ca = (state: Status['cas'][number]['state'], notAfter: number) => ({
  ...({ slot: 'root-1', kind: 'root', subject: 'CN=root', serial: 'ab', notBefore: now - DAY } as const),
  ...{ state, notAfter },
})
const meshCases: readonly (readonly [change: Partial<Status>, faults: RegExp[]])[] = [
  [{}, []],
  [{ lostFiles: ['ca.crt', 'ca.crl'] }, [/^missing, or not as published: ca\.crt, ca\.crl; `mtls apply`/]],
  [{ lostFiles: paths }, [/a, b, c, d, e and 1 more;/]],
  [{ lostFiles: paths, fault: 'the inventory is older' }, [/^the inventory is older$/]],
  [{ transparency: { ...log, failure: 'no space left' } }, [/^the log can’t be had: no space left$/]],
  [{ transparency: { ...log, wanted: 'off', failure: 'no space left' } }, []],
  [
    { transparency: { ...log, unread: 'the log has not been compared' } },
    [/^the log has not been compared$/],
  ],
  [{ cas: [ca('active', now + 1), ca('retiring', now)] }, []],
  [{ cas: [ca('active', now)] }, [/^CN=root has expired$/]],
  [{ bundleExpiresAt: now + 1 }, []],
  [{ bundleExpiresAt: now }, [/^the bundle has expired: `mtls apply`/]],
]

for (const [change, patterns] of meshCases) {
  test(`${JSON.stringify(change)} of the mesh: ${patterns.length === 0 ? 'nothing' : 'a fault'}`, () => {
    const whole = { fault: undefined, meshId: 'ab', lostFiles: [], bundleExpiresAt: now + DAY, cas: [] }
    const found = faultsOf({ ...whole, transparency: log, ...change } as unknown as Status, now)
    assert.equal(found.length, patterns.length)
    for (const [index, pattern] of patterns.entries()) assert.match(found[index]!, pattern)
  })
}
