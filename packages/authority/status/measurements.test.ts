import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { PROBE } from '@datapunk/protocol'
import { atEnd, FixedClock } from '@datapunk/testkit'
import { apply } from '../applying/apply.ts'
import type { SlotState } from '../store/rows.ts'
import { Plug, testEngine } from '../testing/test-engine.ts'
import { type Looks, type Measurements, measure } from './measurements.ts'
import { statusOf } from './status.ts'

const SECOND = 1000
const DAY = 24 * 60 * 60 * SECOND
const services = { lake: {}, stream: { validity_days: 30 }, nexus: { validity_days: 60 } }

async function applied(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), 'measured-'))
  atEnd(t, () => rmSync(dir, { recursive: true }))
  const clock = new FixedClock(Date.UTC(2026, 5, 1))
  const plug = new Plug()
  const engine = testEngine({ dir, clock, plug, config: { services, rotation: { jitter: 0 } } })
  const report = await apply(engine, { approve: () => false })
  engine.peers.opened()
  const look = (looks: Partial<Looks> = {}): Measurements =>
    measure(engine, { services: 2, last: undefined, failure: undefined, ...looks })
  return { engine, clock, look, plug, report }
}

const daysFrom = (clock: FixedClock, time = 0) => Math.round((time - clock.now()) / DAY)

test('measures when what ends, and names the services that end soonest', async (t) => {
  const { clock, look } = await applied(t)
  const { ends, soonest, outage, bundle, listEnds, listLeft, ...rest } = look()
  assert.deepEqual([rest.services, rest.instances, rest.fault, rest.halted], [3, 3, undefined, false])
  assert.deepEqual(
    soonest.map(({ service, notAfter }) => [service, daysFrom(clock, notAfter)]),
    [
      ['stream', 30],
      ['nexus', 60],
    ],
  )
  assert.equal(ends.leaf, soonest[0]?.notAfter)
  assert.deepEqual([daysFrom(clock, ends.issuingCa), daysFrom(clock, ends.root)], [3 * 365, 10 * 365])
  assert.equal(ends.authority, undefined)
  assert.deepEqual([daysFrom(clock, outage?.until), daysFrom(clock, bundle?.expiresAt)], [7, 7])
  assert.equal(daysFrom(clock, listEnds), 7)
  assert.ok(listLeft! > 0.99 && listLeft! <= 1, `${listLeft}`)
  assert.equal(look({ services: Number.POSITIVE_INFINITY }).soonest.length, 3)
  assert.deepEqual(look({ services: 0 }).soonest, [])
})

test('measures for how long a renewal has been due, unless somebody keeps it back', async (t) => {
  const { engine, clock, look } = await applied(t)
  clock.advance(20 * DAY)
  assert.equal(look().renewalOverdue, 0)
  clock.advance(2 * DAY)
  const overdue = look().renewalOverdue
  assert.ok(overdue > 1.8 * DAY && overdue < 2 * DAY, `${overdue}`)
  const stream = engine.store.instances().find(({ id }) => id === 'stream')!
  const { serial: held } = engine.store.terms().find(({ instance }) => instance === 'stream')!
  await engine.store.write((transaction) => transaction.putInstance({ ...stream, held }))
  assert.equal(look().renewalOverdue, 0)
})

test('measures who is late, from when he could know', async (t) => {
  const { engine, clock, look } = await applied(t)
  const { peers, store } = engine
  const lake = { peer: 'aa', service: 'lake', instance: 'lake', version: '1', serial: '01', revoked: false }
  assert.deepEqual(look().peers, { live: 0, late: 0, lag: 0 })
  clock.advance(90 * SECOND)
  peers.arrived(lake)
  clock.advance(5 * SECOND)
  assert.deepEqual(look().peers, { live: 1, late: 1, lag: 5 * SECOND })
  const [number, trustStatement] = [store.bundle()!, store.trustStatements().at(-1)!]
  peers.acknowledged('aa', { number, trustStatement, serial: '01', revoked: false })
  assert.deepEqual(look().peers, { live: 1, late: 0, lag: 0 })
})

test('measures what waits, for whom, and what is tried again', async (t) => {
  const { engine, look, report } = await applied(t)
  const row = { kind: 'reload', nextTryAt: 1, waits: false, error: 'away' } as const
  await engine.store.write((transaction) => {
    transaction.putAttempt({ ...row, subject: 'lake', attempts: 2 })
    transaction.putAttempt({ ...row, subject: 'stream', attempts: 5 })
    // What waits for peers has not failed, nor has a service of which only we know.
    transaction.putAttempt({ ...row, subject: 'nexus', attempts: 0, nextTryAt: engine.clock() + 1 })
    transaction.putAttempt({ ...row, subject: PROBE, attempts: 9 })
  })
  assert.deepEqual(look().backoff, {
    issue: { instances: 0, failures: 0 },
    reload: { instances: 2, failures: 5 },
  })
  // Services may wait for the authority to be ready before they are there to be told.
  assert.equal(look().fault, undefined)
  const declined = report.done
  assert.deepEqual(look({ last: { ...report, declined } }).waiting, {
    ...{ peers: 0, rootKeys: 0, approval: declined.length },
  })
  assert.ok(declined.length > 0)
})

test('measures as many failures as there may be services', async (t) => {
  const { engine, look } = await applied(t)
  const row = { kind: 'reload', nextTryAt: 1, waits: false, error: 'away' } as const
  // More than can be arguments of one call.
  const instances = 200_000
  await engine.store.write((transaction) => {
    for (let attempts = 1; attempts <= instances; attempts++)
      transaction.putAttempt({ ...row, subject: `s${attempts}`, attempts })
  })
  assert.deepEqual(look().backoff.reload, { instances, failures: instances })
})

test('measures what a backup would hold that none holds yet, and how long audit and logs are', async (t) => {
  const { engine, look } = await applied(t)
  const { auditEntries, backedUpAt, keysSinceBackup, loggedEntries } = look()
  assert.deepEqual([backedUpAt, keysSinceBackup], [undefined, 3])
  assert.equal(auditEntries, engine.store.auditTree().size)
  assert.deepEqual(loggedEntries, [{ slot: 'log-1', entries: 0 }])
  await engine.store.write((transaction) => transaction.changeMesh({ backedUpAt: engine.clock() }))
  assert.equal(look().keysSinceBackup, 0)
})

test('measures the ends of what signs or is to, and counts its keys', async (t) => {
  const { engine, look } = await applied(t)
  const { store } = engine
  const expected = { prepared: true, active: true, retiring: false, retired: false, compromised: false }
  for (const [state, counts] of Object.entries(expected)) {
    await store.write((transaction) => {
      for (const slot of store.slots()) transaction.putSlot({ ...slot, state: state as SlotState })
    })
    const { ends, keysSinceBackup, loggedEntries } = look()
    assert.deepEqual(
      [ends.root !== undefined, ends.issuingCa !== undefined, keysSinceBackup, loggedEntries.length],
      [counts, counts, counts ? 3 : 0, state === 'retired' ? 0 : 1],
      state,
    )
  }
})

test('says why it can’t do what it is there for', async (t) => {
  const { engine, clock, look, plug } = await applied(t)
  assert.equal(look({ failure: 'the disk is full' }).fault, 'the disk is full')
  assert.equal(look().fault, undefined)
  plug.failAt(1, 'ENOSPC')
  await assert.rejects(engine.store.write(() => {}))
  assert.match(look().fault ?? '', /the inventory could not be written/)
  assert.equal(statusOf(engine).fault, look().fault)
  await engine.store.write(() => {})
  assert.equal(look().fault, undefined)
  assert.equal(statusOf(engine).fault, undefined)
  engine.peers.closed()
  assert.equal(look().fault, 'peers are not let in yet')
  clock.advance(8 * DAY)
  assert.match(look().fault ?? '', /^bundle 1\.\d+ ended at 2026-06-08T.*: `mtls apply` says why/)
  await engine.store.write((transaction) => transaction.changeMesh({ halted: 'a peer has seen 1.9' }))
  const { fault, halted } = look()
  assert.deepEqual([fault?.slice(0, 19), halted], ['a peer has seen 1.9', true])
})
