import assert from 'node:assert/strict'
import { mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { atEnd, FixedClock } from '@datapunk/testkit'
import { apply, planOf } from '../applying/apply.ts'
import type { Engine } from '../engine/engine.ts'
import { compromise } from '../rollover/compromise.ts'
import { statusOf } from '../status/status.ts'
import { MemoryStore } from '../store/memory.ts'
import { checkPair, readAsPeer } from '../testing/peer-eyes.ts'
import { Plug, testEngine } from '../testing/test-engine.ts'
import { previewRevocation } from './preview.ts'
import { revoke } from './revoke.ts'

const no = { approve: () => false }

async function founded(t: TestContext, root: object = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'revoke-ca-'))
  atEnd(t, () => rmSync(dir, { recursive: true }))
  const clock = new FixedClock(Date.UTC(2026, 5, 1))
  const plug = new Plug()
  const store = new MemoryStore({ commit: () => plug.commit() })
  const authority = { store_ca_keys_in_clear: true, root }
  const config = { services: { lake: {}, stream: {} }, authority }
  const engine = testEngine({ dir, clock, plug, store, config })
  await apply(engine, no)
  const { serial } = store.issuedOf('issuing-ca')[0]!
  const request = { targets: [{ serial }], reason: 'ca-compromise' as const }
  return { dir, engine, plug, store, serial, request }
}

/** All that `revoke` records at first, as a crash right after it leaves it. */
const recordOnly = ({ store, clock }: Engine, serial: string) =>
  store.write((transaction) => {
    transaction.revoke({ serial, reason: 'ca-compromise', at: clock() })
  })

const stateOf = ({ store }: Engine, id: string) => store.slots().find((slot) => slot.id === id)?.state

/** The revoked one is out, nobody trusts it, and nothing stands on it. */
function checkReplaced(engine: Engine, serial: string, at = '') {
  const { store } = engine
  assert.equal(stateOf(engine, 'issuing-ca-1'), 'compromised', at)
  const { trust } = readAsPeer(engine)
  assert.ok(trust.issuingCas.length > 0 && trust.issuingCas.every((ca) => ca.serial !== serial), at)
  assert.equal(store.revocation(serial)?.reason, 'ca-compromise', at)
  for (const service of ['lake', 'stream']) {
    const slot = store.certificate(checkPair(engine, service))?.slot
    assert.notEqual(slot, 'issuing-ca-1', at)
  }
  assert.deepEqual(planOf(engine).actions, [], at)
}

test('an apply finishes what a revocation of an issuing CA has only put on record', async (t) => {
  const { engine, serial } = await founded(t)
  await recordOnly(engine, serial)
  const { actions } = planOf(engine)
  assert.deepEqual(
    actions.flatMap((action) => ('slotKind' in action ? [[action.kind, action.safety, action.reason]] : [])),
    [['compromise', 'safe', 'issuing-ca-1 is revoked, and in use']],
  )
  assert.deepEqual((await apply(engine, no)).failed, [])
  checkReplaced(engine, serial)
})

test('the same command finishes it too, and once it is done changes nothing', async (t) => {
  const { engine, serial, request } = await founded(t)
  await recordOnly(engine, serial)
  const { cas, already } = previewRevocation(engine, request)
  assert.deepEqual([cas, already.length], [['issuing-ca-1'], 1])
  const report = await revoke(engine, request)
  assert.deepEqual([report.revoked, report.already.length, report.failed], [[], 1, []])
  checkReplaced(engine, serial)
  const slots = engine.store.slots()
  await revoke(engine, request)
  assert.deepEqual(engine.store.slots(), slots)
})

test('a CA that is lost is revoked by the audit too, once', async (t) => {
  const { engine, store, serial, request } = await founded(t)
  const revoked = () => store.audit(0, 1000).flatMap(({ deed, entry }) => (deed === 'revoked' ? [entry] : []))
  await revoke(engine, request)
  const first = { serial, profile: 'issuing-ca', reason: 'ca-compromise' }
  assert.deepEqual(revoked(), [first])
  const next = store.issuedOf('issuing-ca')[0]!.serial
  await compromise(engine, 'issuing-ca')
  assert.deepEqual(revoked(), [first, { ...first, serial: next }])
})

test('with the root’s key away it is refused before anything changes, and done once that is there', async (t) => {
  const { dir, engine, serial, request } = await founded(t, { offline: true })
  const { caKey } = engine.config.paths
  const away = join(dir, 'away')
  renameSync(caKey, away)
  const before = [engine.store.slots(), engine.store.audit(0, 1000)]
  await assert.rejects(revoke(engine, request), { code: 'ROOT_KEY_NEEDED', message: /nothing was changed/ })
  assert.deepEqual([engine.store.slots(), engine.store.audit(0, 1000)], before)
  assert.equal(engine.store.revocation(serial), undefined)
  renameSync(away, caKey)
  await revoke(engine, request)
  checkReplaced(engine, serial)
})

test('where the root’s key was taken away after a crash, it is asked for, and the mesh goes on until it comes', async (t) => {
  const { dir, engine, serial } = await founded(t, { offline: true })
  const { caKey } = engine.config.paths
  const away = join(dir, 'away')
  renameSync(caKey, away)
  await recordOnly(engine, serial)
  assert.deepEqual((await apply(engine, no)).failed, [])
  const asked = statusOf(engine).asks.map(({ step, keys }) => [step.kind, keys.map(({ path }) => path)])
  assert.deepEqual(asked[0], ['compromise', [caKey]])
  assert.equal(stateOf(engine, 'issuing-ca-1'), 'active')
  for (const service of ['lake', 'stream']) checkPair(engine, service)
  renameSync(away, caKey)
  assert.deepEqual((await apply(engine, no)).failed, [])
  checkReplaced(engine, serial)
})

const faults = {
  killed: (plug: Plug, at: number) => plug.pullAt(at),
  'disk full': (plug: Plug, at: number) => plug.failAt(at, 'ENOSPC'),
  'fails, and is applied': (plug: Plug, at: number) => plug.failAppliedAt(at, 'EIO'),
}

/** As in `rollover/crash.test.ts`. */
const STRIDE = Number(process.env.CRASH_STRIDE ?? 29)

describe('whatever step of it fails, an issuing CA that is revoked on record is replaced by the next apply', () => {
  for (const [fault, arm] of Object.entries(faults)) {
    test(fault, async (t) => {
      let between = 0
      for (let at = 1 + (process.pid % STRIDE); ; at += STRIDE) {
        const { engine, plug, serial, request } = await founded(t)
        arm(plug, at)
        await revoke(engine, request).catch(() => {})
        const reached = plug.steps >= at
        plug.reset()
        const isRecorded = engine.store.revocation(serial) !== undefined
        if (isRecorded && stateOf(engine, 'issuing-ca-1') !== 'compromised') between++
        for (let round = 0; round < 2; round++) assert.deepEqual((await apply(engine, no)).failed, [])
        if (isRecorded) checkReplaced(engine, serial, `step ${at}`)
        else assert.equal(stateOf(engine, 'issuing-ca-1'), 'active')
        if (!reached) break
      }
      t.diagnostic(`${between} times between the two`)
    })
  }
})
