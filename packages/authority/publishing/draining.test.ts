import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { atEnd, FixedClock } from '@datapunk/testkit'
import { apply } from '../applying/apply.ts'
import { takeStep } from '../rollover/roll.ts'
import { rotate } from '../rotation/rotate.ts'
import type { Reader } from '../store/contract.ts'
import { testEngine } from '../testing/test-engine.ts'
import { drainingIssuers } from './draining.ts'
import { publish } from './publish.ts'

const now = Date.UTC(2026, 5, 1)

interface Found {
  readonly state?: string
  readonly kind?: string
  readonly leftOut?: readonly string[]
  /** Of its service. */
  readonly member?: string
  readonly under?: string
  readonly notAfter?: number
}

function drains({
  state = 'retiring',
  kind = 'issuing-ca',
  leftOut = [],
  member = 'member',
  under = 'issuing-ca-1',
  notAfter = now + 1,
}: Found): boolean {
  const reader = {
    slots: () => [{ id: 'issuing-ca-1', kind, state, leftOut, spkiHash: 'hash' }],
    services: () => [{ service: 'lake', state: member }],
    instances: () => [
      { id: 'lake-1', service: 'lake' },
      { id: 'lake-2', service: 'lake' },
    ],
    currentCertificates: () => [
      { instance: 'lake-1', slot: 'issuing-ca-2', notAfter: now + 1 },
      { instance: 'lake-2', slot: under, notAfter },
    ],
  }
  return drainingIssuers(reader as unknown as Reader, now).length > 0
}

const cases: readonly (readonly [what: string, found: Found, expected: boolean])[] = [
  ['a member has a certificate of it', {}, false],
  ['a member whom nobody waits for has one', { leftOut: ['lake-2'] }, true],
  ['somebody else is not waited for', { leftOut: ['lake-1'] }, false],
  ['the last one has ended', { notAfter: now }, true],
  ['all have certificates of the next', { under: 'issuing-ca-2' }, true],
  ['who has one is no member any more', { member: 'removed' }, true],
  ['it does not retire', { under: 'issuing-ca-2', state: 'active' }, false],
  ['it is no issuing CA', { under: 'issuing-ca-2', kind: 'log' }, false],
]

for (const [what, found, expected] of cases) {
  test(`connections ${expected ? 'move' : 'do not move'} from an issuing CA where ${what}`, () =>
    assert.equal(drains(found), expected))
}

test('when it was told first is on record, as long as it is told', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'draining-'))
  atEnd(t, () => rmSync(dir, { recursive: true }))
  const clock = new FixedClock(now)
  const engine = testEngine({ dir, clock, config: { services: { lake: {} } } })
  await apply(engine, { approve: () => true })
  const toldIn = async () => {
    clock.advance(1000)
    await publish(engine)
    return engine.store.slots().find(({ id }) => id === 'issuing-ca-1')!.toldIn
  }
  await takeStep(engine, { kind: 'prepare', slotKind: 'issuing-ca', reason: 'asked for' })
  await takeStep(engine, { kind: 'activate', slots: ['issuing-ca-2'], reason: 'asked for' })
  assert.equal(await toldIn(), undefined)
  await rotate(engine, { what: 'pairs' })
  const told = await toldIn()
  assert.ok(told !== undefined)
  assert.deepEqual(await toldIn(), told)
  await rotate(engine, { what: 'back', service: 'lake' })
  assert.equal(await toldIn(), undefined)
})
