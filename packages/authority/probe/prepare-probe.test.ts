import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { decodePem, parseCertificate } from '@datapunk/pki'
import { FixedClock } from '@datapunk/testkit'
import { apply, planOf } from '../applying/apply.ts'
import type { Engine } from '../engine/engine.ts'
import { revoke } from '../revocation/revoke.ts'
import { compromise } from '../rollover/compromise.ts'
import { wantedMembers } from '../services/wanted-members.ts'
import { measure } from '../status/measurements.ts'
import { statusOf } from '../status/status.ts'
import type { Store } from '../store/contract.ts'
import { MemoryStore } from '../store/memory.ts'
import { readAsPeer } from '../testing/peer-eyes.ts'
import { testEngine } from '../testing/test-engine.ts'
import { type ProbePairs, prepareProbe } from './prepare-probe.ts'

const HOUR = 60 * 60 * 1000
const DAY = 24 * HOUR
const no = { approve: () => false }
const services = { lake: { allow: ['nexus'] }, nexus: {} }

describe('the probe', () => {
  let dir: string
  let clock: FixedClock
  let engine: Engine

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'probe-'))
    clock = new FixedClock(Date.UTC(2026, 5, 1))
    engine = withConfig({})
    await apply(engine, no)
  })
  afterEach(() => rmSync(dir, { recursive: true }))

  const withConfig = (changes: Record<string, unknown>, store: Store = new MemoryStore()): Engine =>
    testEngine({ dir, clock, store, config: { rotation: { jitter: 0 }, services, ...changes } })
  const serialsOf = ({ current, revoked, expired, 'not-yet-valid': notYetValid }: ProbePairs) =>
    [current, revoked, expired, notYetValid].map(({ serial }) => serial)
  const leafIn = (folder: string) =>
    parseCertificate(decodePem(readFileSync(join(folder, 'cert.pem')), 'CERTIFICATE')[0]!)

  test('is nobody before somebody asks for it, and then a member that nobody lets in', async () => {
    assert.deepEqual([...readAsPeer(engine).bundle.members.keys()], ['lake', 'nexus'])
    await prepareProbe(engine)
    const { members } = readAsPeer(engine).bundle
    assert.deepEqual([...members.keys()], ['lake', 'nexus', 'probe'])
    assert.deepEqual(members.get('probe')!.callers, [])
    assert.equal(members.get('probe')!.address, undefined)
    assert.deepEqual(members.get('lake')!.callers, ['nexus'])
    assert.deepEqual(wantedMembers(engine.config, clock.now(), engine.store), [...members.values()])
  })

  test('shows four pairs of one name, whose keys others can’t read', async () => {
    const pairs = await prepareProbe(engine)
    for (const { folder, serial, notAfter } of [
      pairs.current,
      pairs.revoked,
      pairs.expired,
      pairs['not-yet-valid'],
    ]) {
      const leaf = leafIn(folder)
      assert.deepEqual([leaf.serial, leaf.notAfter], [serial, notAfter])
      assert.deepEqual(leaf.extensions.subjectAltName?.uris, ['spiffe://service.internal/probe'])
      assert.equal(statSync(join(folder, 'key.pem')).mode & 0o777, 0o600)
    }
    assert.equal(statSync(engine.layout.authority.probe).mode & 0o777, 0o700)
    const { revoked, expired, 'not-yet-valid': notYetValid, current, bundle } = pairs
    const { bundle: known } = readAsPeer(engine)
    assert.deepEqual(known.head.number, { generation: bundle.generation, counter: bundle.counter })
    assert.ok(known.revoked.has(revoked.serial))
    assert.ok(![current, expired, notYetValid].some(({ serial }) => known.revoked.has(serial)))
    assert.ok(expired.notAfter - clock.now() <= 4000)
    const begins = leafIn(notYetValid.folder).notBefore - clock.now()
    assert.ok(begins > 2 * HOUR && begins <= 48 * HOUR)
  })

  test('is asked for again without anything made anew, and leaves apply nothing to do', async () => {
    const first = await prepareProbe(engine)
    assert.deepEqual(planOf(engine).actions, [])
    const entries = engine.store.auditTree().size
    clock.advance(HOUR)
    assert.deepEqual(serialsOf(await prepareProbe(engine)), serialsOf(first))
    assert.equal(engine.store.auditTree().size, entries)
  })

  test('has made anew what no longer shows what it is for, and nothing else', async () => {
    const first = serialsOf(await prepareProbe(engine))
    clock.advance(46 * HOUR)
    const later = serialsOf(await prepareProbe(engine))
    assert.deepEqual(
      later.map((serial, index) => serial === first[index]),
      [true, true, true, false],
    )
    clock.advance(27 * DAY)
    await apply(engine, no)
    const last = serialsOf(await prepareProbe(engine))
    assert.deepEqual(
      last.map((serial, index) => serial === later[index]),
      [false, false, true, false],
    )
  })

  test('is kept by apply as services are, under whatever the config says now', async () => {
    const first = await prepareProbe(engine)
    const changes = { certificates: { organization: 'Other', key_algorithm: 'ecdsa-p256' } }
    engine = withConfig(changes, engine.store)
    const { done, declined } = await apply(engine, no)
    assert.deepEqual(declined, [])
    assert.ok(done.some(({ kind, subject }) => kind === 'issue' && subject === 'probe'))
    assert.deepEqual(planOf(engine).actions, [])
    const second = await prepareProbe(engine)
    assert.ok(serialsOf(second).every((serial) => !serialsOf(first).includes(serial)))
    for (const { folder } of [second.current, second.revoked, second.expired])
      assert.deepEqual(leafIn(folder).subject.organization, ['Other'])
  })

  test('has nobody asked about it, also where a requirement of all is lowered', async () => {
    const strong = { certificates: { key_algorithm: 'rsa', key_size: 3072 } }
    engine = withConfig(strong, engine.store)
    await apply(engine, no)
    await prepareProbe(engine)
    engine = withConfig({ certificates: { key_algorithm: 'rsa' } }, engine.store)
    const { actions } = planOf(engine)
    const changes = actions.filter(({ kind }) => kind === 'change-certificate')
    assert.deepEqual(
      changes.map(({ subject, safety }) => `${subject} ${safety}`),
      ['lake destructive', 'nexus destructive', 'probe safe'],
    )
  })

  test('gets other pairs where its issuing CA is gone, and where its folder is', async () => {
    const first = serialsOf(await prepareProbe(engine))
    await compromise(engine, 'issuing-ca')
    await apply(engine, no)
    const second = serialsOf(await prepareProbe(engine))
    assert.ok(second.every((serial) => !first.includes(serial)))
    rmSync(engine.layout.authority.probe, { recursive: true })
    const third = serialsOf(await prepareProbe(engine))
    assert.deepEqual(
      third.map((serial) => second.includes(serial)),
      [true, false, false, false],
    )
  })

  test('is no service: neither status nor metrics tell of it, nor does the outage budget', async () => {
    const look = () => {
      const { services, outage } = statusOf(engine)
      const { ends, backoff, soonest, renewalOverdue } = measure(engine, {
        services: 9,
        last: undefined,
        failure: undefined,
      })
      const names = services.map(({ service }) => service)
      return { names, endedBy: outage?.endedBy.kind, leaf: ends.leaf, backoff, soonest, renewalOverdue }
    }
    const before = look()
    await prepareProbe(engine)
    assert.deepEqual(look(), before)
  })

  test('says what lets it in again where somebody has revoked it', async () => {
    await prepareProbe(engine)
    await revoke(engine, { targets: [{ service: 'probe' }], reason: 'unspecified' })
    await assert.rejects(prepareProbe(engine), { code: 'SERVICE_BARRED', message: /mtls issue probe/ })
  })
})
