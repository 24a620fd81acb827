import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { createCsr, encodeName, generateKeyPair, localSigner } from '@datapunk/pki'
import { keyIdOf, pinOf } from '@datapunk/protocol'
import { FixedClock } from '@datapunk/testkit'
import { apply, planOf } from '../applying/apply.ts'
import { Disk } from '../disk/disk.ts'
import { PairFolder } from '../disk/pair.ts'
import { LIVENESS } from '../engine/peer-book.ts'
import { announceCsrKey, issueForCsr } from '../issuing/issue-csr.ts'
import { suspendPins } from '../publishing/suspend-pins.ts'
import { revoke } from '../revocation/revoke.ts'
import { issueNow } from '../rotation/issue-now.ts'
import { rotate } from '../rotation/rotate.ts'
import { statusOf } from '../status/status.ts'
import { checkPair, readAsPeer } from '../testing/peer-eyes.ts'
import { testEngine } from '../testing/test-engine.ts'
import { Pace } from '../timing/pace.ts'
import { memoryOfBundle } from '../waiting/longest-memory.ts'

const HOUR = 60 * 60 * 1000
const DAY = 24 * HOUR
const no = { approve: () => false }
const yes = { approve: () => true }
const services = { lake: {}, stream: {} }

describe('pinning', () => {
  let dir: string
  let clock: FixedClock
  let engine: ReturnType<typeof testEngine>

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'pinning-'))
    clock = new FixedClock(Date.UTC(2026, 5, 1))
    engine = testEngine({ dir, clock, config: { rotation: { jitter: 0 }, services } })
    engine.peers.opened()
  })

  afterEach(() => rmSync(dir, { recursive: true }))

  const withConfig = (changes: Record<string, unknown>): typeof engine => {
    const config = { rotation: { jitter: 0 }, services, ...changes }
    const next = testEngine({ dir, clock, store: engine.store, config })
    return { ...next, peers: engine.peers }
  }

  /** A live peer of a service, with its own certificate. */
  const arrive = (service: string, serial = serialOf(service)) =>
    engine.peers.arrived({ peer: service, service, instance: service, version: '1', serial, revoked: false })

  const acknowledge = (service: string) => {
    const { generation, counter } = engine.store.bundle()!
    engine.peers.acknowledged(service, {
      ...{ number: { generation, counter }, trustStatement: engine.store.trustStatements().at(-1)! },
      ...{ serial: serialOf(service), revoked: false },
    })
  }

  const serialOf = (service: string) =>
    engine.store.currentCertificates().find(({ instance }) => instance === service)!.serial
  const shownPin = (service: string) => {
    const pair = new PairFolder(engine.layout.instance(service).dir, new Disk()).read()!
    return pinOf(keyIdOf(pair.certificate.spki))
  }
  const nextKeyOf = (service: string) => engine.store.nextKeys().find(({ instance }) => instance === service)!
  const nextFile = (service: string) => join(engine.layout.instance(service).dir, 'next.pem')
  const published = (of = engine) => readAsPeer(of).bundle.pins
  const pinsOf = (service: string) => [...published()!.of.get(service)!].sort()
  const deeds = () => engine.store.audit(0, 1000).map(({ deed }) => deed)

  const renewalDue = 0.67 * 365 * DAY

  test('names the key in use and the next one, which lies beside it and serves after it', async () => {
    await apply(engine, no)
    assert.equal(published()!.mode, 'required', 'nobody is there to wait for')
    const [shown, next] = [shownPin('lake'), pinOf(nextKeyOf('lake').spkiHash)]
    assert.deepEqual(pinsOf('lake'), [shown, next].sort())
    assert.equal(statSync(nextFile('lake')).mode & 0o777, 0o600)
    assert.deepEqual(planOf(engine).actions, [])

    clock.advance(renewalDue)
    await apply(engine, no)
    assert.equal(shownPin('lake'), next, 'what was told of a rotation ahead')
    assert.deepEqual(pinsOf('lake'), [shown, next, pinOf(nextKeyOf('lake').spkiHash)].sort())
    assert.deepEqual(planOf(engine).actions, [])

    // A day after its certificate has ended a key is named no more: by then nobody's clock is so late.
    clock.advance(0.33 * 365 * DAY)
    await apply(engine, no)
    assert.ok(pinsOf('lake').includes(shown))
    clock.advance(2 * DAY)
    await apply(engine, no)
    assert.ok(!pinsOf('lake').includes(shown))
  })

  test('holds up a renewal while a live peer does not know the key, and goes on when it does', async () => {
    engine = withConfig({ certificates: { validity_days: 8, key_algorithm: 'ecdsa-p256' } })
    await apply(engine, no)
    arrive('stream')
    const [before, shown] = [serialOf('lake'), shownPin('lake')]
    clock.advance(0.67 * 8 * DAY)
    const { failed } = await apply(engine, no)
    assert.match(failed[0]!.error.message, /lake keeps the pair it has: found that .* not enforced by stream/)
    assert.equal(checkPair(engine, 'lake'), before)
    const waited = () => engine.store.attempts()[0]!.nextTryAt - clock.now()
    for (let tries = 0; tries < 10; tries++) {
      assert.ok(waited() > 0 && waited() <= 8 * 60_000, `${waited()}`)
      clock.advance(waited())
      await apply(engine, { ...no, pace: new Pace(clock.now) })
    }
    const [attempt] = engine.store.attempts()
    const told = engine.events.filter(({ kind, subject }) => kind === 'issue-failed' && subject === 'lake')
    assert.equal(told.length, 1, 'for the same reason it is told once')

    assert.ok(attempt!.nextTryAt > clock.now(), 'also should nobody ever be heard of')
    acknowledge('stream')
    await apply(engine, { ...no, pace: new Pace(clock.now) })
    assert.notEqual(serialOf('lake'), before)
    assert.notEqual(shownPin('lake'), shown)
    assert.deepEqual(engine.store.attempts(), [])
  })

  test('goes on as soon as peers know a key of another kind, which no failure precedes', async () => {
    await apply(engine, no)
    for (const service of ['lake', 'stream']) {
      arrive(service)
      acknowledge(service)
    }
    const before = serialOf('lake')
    const { events, store } = engine
    engine = { ...withConfig({ certificates: { key_algorithm: 'ed25519' } }), events, report: engine.report }
    const look = () => apply(engine, { ...no, pace: new Pace(clock.now) })
    const failures = () => [
      ...statusOf(engine).services.flatMap(({ failed }) => failed?.error ?? []),
      ...events.filter(({ kind }) => kind === 'issue-failed'),
    ]
    const waiting = await look()
    assert.deepEqual([waiting.failed, waiting.keysWait, failures()], [[], true, []])
    assert.equal(waiting.nextDue, clock.now() + LIVENESS)
    acknowledge('stream')
    await look()
    assert.equal(serialOf('lake'), before, 'one of them does not know it yet')
    acknowledge('lake')
    const done = await look()
    assert.deepEqual([done.failed, done.keysWait, failures(), store.attempts()], [[], false, [], []])
    assert.notEqual(checkPair(engine, 'lake'), before)
  })

  test('fails where a peer has not acknowledged after a while, and names him', async () => {
    await apply(engine, no)
    arrive('stream')
    const { events, report } = engine
    engine = { ...withConfig({ certificates: { key_algorithm: 'ed25519' } }), events, report }
    const look = () => apply(engine, { ...no, pace: new Pace(clock.now) })
    assert.deepEqual((await look()).failed, [])
    clock.advance(LIVENESS)
    assert.match(statusOf(engine).services[0]!.failed!.error, /not enforced by stream/, 'though nobody looks')
    const { failed, nextDue } = await look()
    assert.match(failed[0]!.error.message, /not enforced by stream/)
    assert.deepEqual(
      events.flatMap(({ kind, subject }) => (kind === 'issue-failed' ? [subject] : [])),
      ['lake', 'stream'],
    )
    const { nextTryAt } = statusOf(engine).services[0]!.failed!
    assert.ok(nextTryAt > clock.now() && nextDue <= nextTryAt)
  })

  test('waits for nobody longer than a bundle lives: whoever knows no later one refuses everything', async () => {
    await apply(engine, no)
    arrive('stream')
    const before = serialOf('lake')
    clock.advance(memoryOfBundle(engine.config))
    assert.match((await rotate(engine, { what: 'pairs', service: 'lake' })).failed[0]!.message, /stream/)
    assert.equal(serialOf('lake'), before)
    clock.advance(1)
    assert.deepEqual((await rotate(engine, { what: 'pairs', service: 'lake' })).failed, [])
    assert.notEqual(serialOf('lake'), before)
  })

  test('waits for nobody whom whoever asks has left out, on record, and for all others', async () => {
    await apply(engine, no)
    arrive('stream')
    const before = serialOf('lake')
    const asked = { what: 'pairs', service: 'lake' } as const
    await assert.rejects(rotate(engine, { ...asked, without: ['steam'] }), { code: 'INSTANCE_UNKNOWN' })
    assert.match(
      (await rotate(engine, { ...asked, without: ['lake'] })).failed[0]!.message,
      /--without stream/,
    )
    assert.equal(serialOf('lake'), before)
    assert.deepEqual((await rotate(engine, { ...asked, without: ['stream'] })).failed, [])
    assert.notEqual(checkPair(engine, 'lake'), before)
    const audit = engine.store.audit(0, 1000).filter(({ deed }) => deed === 'rotation-asked')
    assert.deepEqual(audit.at(-1)?.entry, { service: 'lake', leftOut: ['stream'] })
  })

  test('renews with the key that everybody knows where the certificate would end before they know the next', async () => {
    const short = { certificates: { validity_days: 3, key_algorithm: 'ecdsa-p256' } }
    engine = withConfig(short)
    await apply(engine, no)
    arrive('stream')
    const [before, shown] = [serialOf('lake'), shownPin('lake')]
    clock.advance(2.1 * DAY)
    assert.equal((await apply(engine, no)).failed.length, 2)
    const [attempt] = engine.store.attempts()
    assert.ok(attempt!.nextTryAt <= clock.now() + 12 * HOUR)
    clock.advance(0.4 * DAY)
    assert.deepEqual((await apply(engine, no)).failed, [])
    assert.notEqual(checkPair(engine, 'lake'), before)
    assert.equal(shownPin('lake'), shown)
  })

  test('waits for nobody where there is no pair that is good', async () => {
    await apply(engine, no)
    arrive('stream')
    rmSync(engine.layout.instance('lake').dir, { recursive: true })
    assert.deepEqual((await apply(engine, no)).failed, [])
    checkPair(engine, 'lake')
    const more = withConfig({ services: { ...services, nexus: {} } })
    assert.deepEqual((await apply(more, no)).failed, [])
    checkPair(more, 'nexus')
  })

  for (const [what, spoil] of Object.entries({
    lost: (path: string) => rmSync(path),
    unreadable: (path: string) => writeFileSync(path, 'no key'),
    another: async (path: string) => {
      const { privateKey } = await generateKeyPair('ecdsa-p256')
      writeFileSync(path, privateKey.export({ type: 'pkcs8', format: 'pem' }))
    },
  })) {
    test(`makes the next key anew where it is ${what}, and makes that known before it serves`, async () => {
      await apply(engine, no)
      arrive('stream')
      acknowledge('stream')
      const [lost, before] = [nextKeyOf('lake').spkiHash, serialOf('lake')]
      await spoil(nextFile('lake'))
      const { failed } = await rotate(engine, { what: 'pairs', service: 'lake' })
      assert.equal(failed.length, 1)
      assert.equal(checkPair(engine, 'lake'), before)
      assert.notEqual(nextKeyOf('lake').spkiHash, lost)
      assert.ok(pinsOf('lake').includes(pinOf(nextKeyOf('lake').spkiHash)))
      acknowledge('stream')
      assert.deepEqual((await rotate(engine, { what: 'pairs', service: 'lake' })).failed, [])
      assert.notEqual(checkPair(engine, 'lake'), before)
    })
  }

  test('plans for a next key that is lost, and for one of another kind', async () => {
    await apply(engine, no)
    rmSync(nextFile('lake'))
    assert.deepEqual(
      planOf(engine).actions.map(({ kind, subject }) => `${kind} ${subject}`),
      ['make-next-key lake'],
    )
    await apply(engine, no)
    assert.deepEqual(planOf(engine).actions, [])
    const other = withConfig({ certificates: { key_algorithm: 'ed25519' } })
    await apply(other, no)
    assert.deepEqual(
      other.store.nextKeys().map(({ algorithm }) => algorithm),
      ['ed25519', 'ed25519'],
    )
    checkPair(other, 'lake')
  })

  test('turns on by itself once every live peer has heard of the keys, and at once where nobody lives', async () => {
    engine = withConfig({ pinning: 'off' })
    await apply(engine, no)
    assert.deepEqual([published(), engine.store.nextKeys()], [undefined, []])
    arrive('stream')
    acknowledge('stream')
    arrive('lake')
    acknowledge('lake')
    engine = withConfig({})
    await apply(engine, no)
    assert.equal(published()!.mode, 'report')
    assert.deepEqual(pinsOf('lake'), [shownPin('lake'), pinOf(nextKeyOf('lake').spkiHash)].sort())
    acknowledge('stream')
    const { waits } = await apply(engine, no)
    assert.deepEqual(
      waits.map(({ stage, slot, late }) => [stage, slot, late.map(({ instance }) => instance)]),
      [['require', 'pins', ['lake']]],
    )
    assert.deepEqual(planOf(engine).actions, [])
    acknowledge('lake')
    const done = await apply(engine, no)
    assert.deepEqual([published()!.mode, done.waits], ['required', []])
    assert.deepEqual(planOf(engine).actions, [])
  })

  test('is lowered only when somebody says so', async () => {
    await apply(engine, no)
    const lower = withConfig({ pinning: 'report' })
    const { declined } = await apply(lower, no)
    assert.deepEqual(
      declined.map(({ kind, safety }) => [kind, safety]),
      [['change-pinning', 'destructive']],
    )
    assert.equal(published()!.mode, 'required')
    await apply(lower, yes)
    assert.equal(published()!.mode, 'report')
    const off = withConfig({ pinning: 'off' })
    await apply(off, yes)
    assert.deepEqual([published(off), off.store.nextKeys(), planOf(off).actions], [undefined, [], []])
    await apply(engine, no)
    assert.equal(published()!.mode, 'required', 'to raise it is safe')
    assert.equal(deeds().filter((deed) => deed === 'change-pinning').length, 3)
  })

  test('is suspended for a while, whatever the config says, and comes back', async () => {
    await assert.rejects(suspendPins(engine, HOUR), { code: 'NOTHING_PINNED' })
    await apply(engine, no)
    const { until, bundle } = await suspendPins(engine, HOUR)
    assert.deepEqual([until, bundle.counter], [clock.now() + HOUR, engine.store.bundle()!.counter])
    assert.equal(published()!.mode, 'report')
    assert.deepEqual(statusOf(engine).pinning, {
      ...{ wanted: 'required', mode: 'report', suspendedUntil: until, reported: 0 },
    })
    const { nextDue } = await apply(engine, no)
    assert.deepEqual([nextDue, published()!.mode], [until, 'report'])
    clock.advance(HOUR)
    await apply(engine, no)
    assert.equal(published()!.mode, 'required')

    await suspendPins(engine, HOUR)
    await suspendPins(engine, undefined)
    assert.equal(published()!.mode, 'required')
    assert.deepEqual(
      deeds().filter((deed) => deed.startsWith('pins-')),
      ['pins-suspended', 'pins-suspended', 'pins-resumed'],
    )
  })

  test('throws the next key away with the stolen one, and names the fresh one without waiting', async () => {
    await apply(engine, no)
    arrive('stream')
    acknowledge('stream')
    const lost = pinsOf('lake')
    const request = { targets: [{ service: 'lake' }], reason: 'key-compromise' } as const
    await revoke(engine, request)
    assert.deepEqual([published()!.of.get('lake'), serialsOf('lake')], [undefined, []])
    assert.equal(pinsOf('stream').length, 2)
    assert.ok(deeds().includes('next-key-discarded'))

    await revoke(engine, { ...request, reissue: true })
    assert.ok(pinsOf('lake').includes(shownPin('lake')))
    assert.ok(pinsOf('lake').every((pin) => !lost.includes(pin)))
    checkPair(engine, 'lake')
  })

  const serialsOf = (service: string) =>
    engine.store.currentCertificates().filter(({ instance }) => instance === service)

  test('keeps the next key where a certificate is revoked for another reason', async () => {
    await apply(engine, no)
    const { spkiHash } = nextKeyOf('lake')
    await revoke(engine, { targets: [{ service: 'lake' }], reason: 'superseded' })
    assert.equal(nextKeyOf('lake').spkiHash, spkiHash)
    const [row] = engine.store.services().filter(({ service }) => service === 'lake')
    await issueNow(engine, { ...row!, barredAt: undefined })
    assert.equal(shownPin('lake'), pinOf(spkiHash))
  })

  test('names the key of a CSR before its certificate is made', async () => {
    await apply(engine, no)
    const signer = localSigner((await generateKeyPair('ecdsa-p256')).privateKey)
    const csr = await createCsr({ subject: encodeName({ commonName: 'x' }), signer, dnsNames: [] })
    const pin = pinOf(keyIdOf(signer.spki))
    await announceCsrKey(engine, 'lake', csr)
    assert.ok(pinsOf('lake').includes(pin))
    const number = engine.store.bundle()!.counter
    await issueForCsr(engine, 'lake', csr)
    assert.equal(engine.store.bundle()!.counter, number, 'it was known')
    assert.deepEqual([pinsOf('lake').includes(pin), planOf(engine).actions], [true, []])
    await issueForCsr(engine, 'lake', csr)
    assert.equal(engine.store.bundle()!.counter, number, 'a certificate for the same key')
  })
})
