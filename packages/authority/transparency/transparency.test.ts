import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import {
  createCsr,
  encodeName,
  generateKeyPair,
  localSigner,
  parseCertificate,
  verifyScts,
} from '@datapunk/pki'
import { keyIdOf } from '@datapunk/protocol'
import { FixedClock } from '@datapunk/testkit'
import { apply, planOf } from '../applying/apply.ts'
import type { Engine } from '../engine/engine.ts'
import { issueForCsr } from '../issuing/issue-csr.ts'
import { OwnPair } from '../peers/own-pair.ts'
import { logLife } from '../planning/lifetimes.ts'
import { revoke } from '../revocation/revoke.ts'
import { takeStep } from '../rollover/roll.ts'
import { rotate } from '../rotation/rotate.ts'
import { LogSeat } from '../scts/log-seat.ts'
import { statusOf } from '../status/status.ts'
import { checkPair, readAsPeer } from '../testing/peer-eyes.ts'
import { testEngine } from '../testing/test-engine.ts'

const DAY = 24 * 60 * 60 * 1000
const no = { approve: () => false }
const yes = { approve: () => true }
const services = { lake: {}, stream: {} }

describe('transparency', () => {
  let dir: string
  let clock: FixedClock
  let engine: Engine

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'transparency-'))
    clock = new FixedClock(Date.UTC(2026, 5, 1))
    engine = testEngine({ dir, clock, config: { services } })
    engine.peers.opened()
  })

  afterEach(() => rmSync(dir, { recursive: true }))

  const withConfig = (changes: Record<string, unknown>): Engine => {
    const next = testEngine({
      ...{ dir, clock, store: engine.store },
      config: { services, ...changes },
    })
    return { ...next, peers: engine.peers, logSeat: engine.logSeat }
  }

  const serialOf = (service: string) =>
    engine.store.currentCertificates().find(({ instance }) => instance === service)!.serial

  const arrive = (service: string) =>
    engine.peers.arrived({
      ...{ peer: service, service, instance: service, version: '1' },
      ...{ serial: serialOf(service), revoked: false },
    })

  const acknowledge = (service: string, serial = serialOf(service)) =>
    engine.peers.acknowledged(service, {
      ...{ number: engine.store.bundle()!, trustStatement: engine.store.trustStatements().at(-1)! },
      ...{ serial, revoked: false },
    })

  /** The log whose SCT the pair of a service has, as a peer sees it by the trust statement alone. */
  const logOf = (service: string, of = engine): string | undefined => {
    const serial = checkPair(of, service)
    const { trust } = readAsPeer(of)
    const leaf = parseCertificate(engine.store.certificate(serial)!.der!)
    const { spki: issuerSpki } = trust.issuingCas.find(({ subject }) => subject.equals(leaf.issuer))!
    const logs = new Map(trust.logs.map((log) => [keyIdOf(log.spki), log.spki]))
    return verifyScts(leaf, { issuerSpki, logs, latest: clock.now() }).good[0]?.log
  }

  const askWithCsr = async (service: string) => {
    const signer = localSigner((await generateKeyPair('ecdsa-p256')).privateKey)
    const subject = encodeName({ commonName: service })
    return issueForCsr(engine, service, await createCsr({ subject, dnsNames: [service], signer }))
  }

  const namedLogs = (of = engine) => readAsPeer(of).trust.logs.map(({ spki }) => keyIdOf(spki))
  const asked = (of = engine) => readAsPeer(of).bundle.transparency
  const states = () =>
    engine.store.slots().flatMap(({ kind, state }) => (kind === 'log' ? [state as string] : []))

  test('is required from the first certificate on, each of which its log has promised', async () => {
    await apply(engine, no)
    const [log] = namedLogs()
    assert.deepEqual([asked(), logOf('lake'), logOf('stream')], ['required', log, log])
    assert.deepEqual(planOf(engine).actions, [])
  })

  test('comes to a mesh without: reported at first, and required once everybody shows what is logged', async () => {
    const without = withConfig({ transparency: 'off' })
    await apply(without, no)
    assert.deepEqual([asked(without), namedLogs(without), logOf('lake', without)], [undefined, [], undefined])
    arrive('lake')
    arrive('stream')
    const [before, ofStream] = [serialOf('lake'), serialOf('stream')]

    await apply(engine, no)
    assert.equal(asked(), 'report')
    assert.deepEqual(states(), ['active'])
    acknowledge('lake', before)
    acknowledge('stream', ofStream)
    clock.advance(DAY)
    await apply(engine, no)
    assert.notEqual(serialOf('lake'), before)
    assert.equal(logOf('lake'), namedLogs()[0])
    assert.equal(asked(), 'report', 'a live peer still shows what is not logged')
    acknowledge('lake')
    acknowledge('stream', ofStream)
    await apply(engine, no)
    assert.equal(asked(), 'report')
    acknowledge('stream')
    await apply(engine, no)
    assert.equal(asked(), 'required')
    assert.deepEqual(planOf(engine).actions, [])
  })

  test('is lowered only when somebody says so', async () => {
    await apply(engine, no)
    const lower = withConfig({ transparency: 'report' })
    const { declined } = await apply(lower, no)
    assert.deepEqual(
      declined.map(({ kind, safety }) => [kind, safety]),
      [['change-transparency', 'destructive']],
    )
    assert.equal(asked(lower), 'required')
    await apply(lower, yes)
    assert.equal(asked(lower), 'report')
    const off = withConfig({ transparency: 'off' })
    await apply(off, yes)
    assert.equal(asked(off), undefined)
    await apply(engine, no)
    assert.equal(asked(), 'required', 'to raise it is safe')
  })

  test('holds up what is issued while the log is down, and nothing else', async () => {
    await apply(engine, no)
    const before = serialOf('lake')
    const down = new LogSeat(async () => {
      throw new Error('the disk is full')
    })
    const broken = { ...engine, logSeat: down }
    const { failed } = await rotate(broken, { what: 'pairs', service: 'lake' })
    assert.match(failed[0]!.message, /nothing is issued that is not logged.*the disk is full/)
    assert.equal(checkPair(engine, 'lake'), before)
    clock.advance(DAY)
    await apply(broken, no)
    assert.equal(readAsPeer(engine).bundle.head.issuedAt, clock.now(), 'bundles go on')
    assert.deepEqual((await rotate(engine, { what: 'pairs', service: 'lake' })).failed, [])
    assert.notEqual(checkPair(engine, 'lake'), before)
  })

  test('goes to another log when everybody knows it; the one before is believed as long as anything lives of it', async () => {
    await apply(engine, no)
    arrive('stream')
    acknowledge('stream')
    const [first, before] = [namedLogs()[0]!, serialOf('lake')]
    const { waits } = await rotate(engine, { what: 'log', without: [] })
    assert.deepEqual(states(), ['active', 'prepared'])
    assert.match(JSON.stringify(waits), /stream/)
    assert.equal(namedLogs().length, 2)

    acknowledge('stream')
    await apply(engine, no)
    assert.deepEqual(states(), ['retiring', 'active'])
    assert.equal(serialOf('lake'), before, 'what is logged stays good')
    assert.equal(logOf('lake'), first)
    acknowledge('stream')
    await rotate(engine, { what: 'pairs', service: 'lake' })
    assert.equal(
      logOf('lake'),
      namedLogs().find((log) => log !== first),
    )

    clock.advance(logLife(engine.config) + DAY)
    await apply(engine, no)
    await apply(engine, no)
    assert.deepEqual(states(), ['retired', 'active'])
    assert.deepEqual(namedLogs().includes(first), false)
  })

  test('keeps nobody waiting for another log who has nothing that is good', async () => {
    await apply(engine, no)
    arrive('stream')
    acknowledge('stream')
    const { serial: asked } = await askWithCsr('stream')
    const before = serialOf('lake')
    await rotate(engine, { what: 'log', without: [] })
    const second = engine.logSeat.log!.spki
    const [renewed] = (await rotate(engine, { what: 'pairs', service: 'lake' })).failed
    assert.match(renewed!.message, /not every live peer knows log-2 yet.*--log --without INSTANCE/)
    assert.equal(serialOf('lake'), before)
    await assert.rejects(askWithCsr('stream'), { code: 'LOG_UNAVAILABLE' })

    const { failed } = await apply(withConfig({ services: { ...services, fresh: {} } }), no)
    assert.deepEqual(failed, [])
    const revoked = { targets: [{ service: 'lake' }], reason: 'key-compromise', reissue: true } as const
    assert.deepEqual((await revoke(engine, revoked)).failed, [])
    await revoke(engine, { targets: [{ serial: asked }], reason: 'superseded' })
    await askWithCsr('stream')
    assert.deepEqual([logOf('lake'), logOf('fresh')], [keyIdOf(second), keyIdOf(second)])
    assert.deepEqual(states(), ['active', 'prepared'])
  })

  test('has the authority keep the pair that it shows, which late peers believe, and make one where it has none', async () => {
    engine.ownPair.serve(() => {})
    await apply(engine, no)
    arrive('stream')
    acknowledge('stream')
    const { serial, renewalDue } = engine.ownPair.served!
    await rotate(engine, { what: 'log', without: [] })
    clock.advance(renewalDue - clock.now())
    await apply(engine, no)
    assert.equal(engine.ownPair.served?.serial, serial)
    const ownPair = new OwnPair()
    ownPair.serve(() => {})
    await apply({ ...engine, ownPair }, no)
    assert.ok(ownPair.served?.under.includes('log-2'))
  })

  test('issues nothing by a log that no trust statement names', async () => {
    await apply(engine, no)
    await takeStep(engine, { kind: 'prepare', slotKind: 'log', reason: 'asked for' })
    await assert.rejects(askWithCsr('stream'), /no trust statement names log-2 yet/)
  })

  test('has the next root wait until the log takes what stands under it', async () => {
    await apply(engine, no)
    let knows = false
    const { log } = engine.logSeat
    const slow = new LogSeat(async () => ({ ...log!, takes: async () => knows }))
    const waiting = { ...engine, logSeat: slow }
    await rotate(waiting, { what: 'root', without: [] })
    const { waits, nextDue } = await apply(waiting, no)
    assert.deepEqual(
      waits.map(({ slot, late }) => [slot, late]),
      [['root-2', [{ instance: 'the log', reason: 'does not take what stands under root-2 yet' }]]],
    )
    assert.equal(nextDue, clock.now() + 30_000)
    clock.advance(60 * DAY)
    await apply(waiting, no)
    assert.equal(logOf('lake'), namedLogs()[0], 'under the root before')
    knows = true
    await apply(waiting, no)
    const active = engine.store.slots().filter(({ kind, state }) => kind === 'root' && state === 'active')
    assert.deepEqual(
      active.map(({ id }) => id),
      ['root-2'],
    )
    assert.equal(logOf('lake'), namedLogs()[0])
  })

  test('waits for nobody where the log’s key is in other hands: another log, and everything issued anew', async () => {
    await apply(engine, no)
    arrive('stream')
    acknowledge('stream')
    const [first, ...others] = namedLogs()
    assert.deepEqual(others, [])
    const before = ['lake', 'stream'].map(serialOf)
    await rotate(engine, { what: 'compromised', kind: 'log' })
    assert.deepEqual(states(), ['compromised', 'active'])
    const [second, ...more] = namedLogs()
    assert.deepEqual([more, second === first], [[], false])
    assert.deepEqual([logOf('lake'), logOf('stream'), asked()], [second, second, 'required'])
    for (const serial of before) assert.ok(!['lake', 'stream'].map(serialOf).includes(serial))
    assert.deepEqual(planOf(engine).actions, [])
    assert.equal(statusOf(engine).transparency.logs.filter(({ state }) => state === 'active').length, 1)
  })
})
