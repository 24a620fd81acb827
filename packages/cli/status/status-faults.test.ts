import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { InstanceStatus } from '@datapunk/authority'
import { faultNote, faultsOfInstance } from './status-faults.ts'

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
      assert.ok(faultNote(found[0]!, { ...good, ...change }).includes(`\`${mending}\``))
  })
}
