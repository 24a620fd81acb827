import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Signer } from '@datapunk/pki'
import { atEnd, FixedClock } from '@datapunk/testkit'
import { type ApplyReport, apply, stepFailure } from '../applying/apply.ts'
import { AuthorityError } from '../error.ts'
import { KeyStore } from '../keys/key-store.ts'
import { Passphrase } from '../keys/passphrase.ts'
import type { KnownKey } from '../keys/stored-key.ts'
import { isRollStep } from '../planning/plan.ts'
import { targetOf } from '../planning/roll-step.ts'
import { testEngine } from '../testing/test-engine.ts'
import { compromise } from './compromise.ts'

const DAY = 24 * 60 * 60 * 1000
const no = { approve: () => false }

/** Of a root’s key only who opens it can tell that it is spoilt: it says of itself what it always said. */
class SpoilableKeys extends KeyStore {
  isRootSpoilt = false

  override async open(slot: KnownKey): Promise<Signer> {
    if (slot.kind === 'root' && this.isRootSpoilt)
      throw new AuthorityError('ENVELOPE_INVALID', `the key for ${slot.id} can not be opened`)
    return super.open(slot)
  }
}

async function founded(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), 'failed-step-'))
  atEnd(t, () => rmSync(dir, { recursive: true }))
  const clock = new FixedClock(Date.UTC(2026, 5, 1))
  const bare = testEngine({ dir, clock, config: { services: { lake: {} } } })
  const { config, layout, disk, randomBytes } = bare
  const keys = new SpoilableKeys({
    ...{ disk, randomBytes, folder: layout.authority.keys, rootKey: config.paths.caKey, storeInClear: true },
    passphrase: () => new Passphrase(Buffer.from('test')),
  })
  const engine = { ...bare, keys }
  await apply(engine, no)
  keys.isRootSpoilt = true
  return { engine, clock, keys }
}

/** Steps that failed, and what they were about. */
const failed = (report: ApplyReport) =>
  report.failed.map(({ action }) =>
    isRollStep(action) ? `${action.kind} ${targetOf(action) ?? 'of all'}` : action.kind,
  )

test('a key of a root that can’t be opened keeps nothing waiting but what it has to sign', async (t) => {
  const { engine, clock, keys } = await founded(t)
  const listsAt = () => engine.store.lists().map(({ slot, thisUpdate }) => [slot, thisUpdate])
  const listed = Object.fromEntries(listsAt())
  const before = engine.store.currentCertificates()[0]!.serial

  // The root’s list is due by then, and so are the other one, a bundle, and lake’s certificate.
  clock.advance(300 * DAY)
  const report = await apply(engine, no)
  assert.match(String(stepFailure(report)), /root-1/)
  assert.deepEqual(failed(report), ['publish-lists root-1'])
  assert.notEqual(engine.store.currentCertificates()[0]!.serial, before)
  assert.equal(engine.store.bundle()!.expiresAt, clock.now() + 7 * DAY)
  const now = Object.fromEntries(listsAt())
  assert.equal(now['root-1'], listed['root-1'])
  assert.equal(now['issuing-ca-1'], listed['issuing-ca-1'] + 300 * DAY)

  // So are another issuing CA and another bundle key now, which come first.
  clock.advance(450 * DAY)
  assert.deepEqual(failed(await apply(engine, no)), [
    'prepare issuing-ca',
    'publish-trust-statement of all',
    'publish-lists root-1',
  ])
  assert.equal(Object.fromEntries(listsAt())['issuing-ca-1'], now['issuing-ca-1'] + 450 * DAY)

  keys.isRootSpoilt = false
  assert.equal(stepFailure(await apply(engine, no)), undefined)
  assert.equal(Object.fromEntries(listsAt())['root-1'], now['issuing-ca-1'] + 450 * DAY)
  assert.ok(engine.store.slots().some(({ id }) => id === 'issuing-ca-2'))
})

test('nothing goes on under a key that no peer knows yet', async (t) => {
  const { engine, clock, keys } = await founded(t)
  await assert.rejects(compromise(engine, 'bundle-key'), /root-1/)
  const { counter } = engine.store.bundle()!
  clock.advance(2 * DAY)
  await assert.rejects(apply(engine, no), /root-1/)
  assert.equal(engine.store.bundle()!.counter, counter)
  keys.isRootSpoilt = false
  await apply(engine, no)
  assert.ok(engine.store.bundle()!.counter > counter)
})
