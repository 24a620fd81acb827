import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { FixedClock } from '@datapunk/testkit'
import { apply } from '../applying/apply.ts'
import { SETTLE_TIME } from '../delivery/deliver.ts'
import { PairFolder } from '../disk/pair.ts'
import type { Engine } from '../engine/engine.ts'
import type { Handover } from '../engine/handover.ts'
import { AuthorityError } from '../error.ts'
import type { AuthorityEvent } from '../events/event.ts'
import { revoke } from '../revocation/revoke.ts'
import { statusOf } from '../status/status.ts'
import { checkPair } from '../testing/peer-eyes.ts'
import { type TestEngineOptions, testEngine } from '../testing/test-engine.ts'
import { Pace } from '../timing/pace.ts'
import { issueNow } from './issue-now.ts'
import { rotate } from './rotate.ts'

const DAY = 24 * 60 * 60 * 1000
const no = { approve: () => false }

describe('by itself', () => {
  let dir: string
  let clock: FixedClock
  let pace: Pace

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'renewal-'))
    clock = new FixedClock(Date.UTC(2026, 5, 1))
    pace = new Pace(clock.now)
  })

  afterEach(() => rmSync(dir, { recursive: true }))

  const applied = async (config: TestEngineOptions['config'], changes: Partial<Engine> = {}) => {
    const engine = { ...testEngine({ dir, clock, config }), ...changes }
    await apply(engine, no)
    return engine
  }
  const serials = ({ store }: Engine) => store.currentCertificates().map(({ serial }) => serial)

  test('renews in good time, as many in a minute as it may, the soonest to end first', async () => {
    const names = ['a', 'b', 'c', 'd', 'e']
    const engine = await applied({
      rotation: { per_minute: 2, jitter: 0 },
      certificates: { validity_days: 30, key_algorithm: 'ecdsa-p256' },
      services: Object.fromEntries(names.map((name) => [name, name === 'e' ? { validity_days: 29 } : {}])),
    })
    const before = new Set(serials(engine))
    const renewed = () => serials(engine).filter((serial) => !before.has(serial)).length
    clock.advance(20.2 * DAY)
    const first = await apply(engine, { ...no, pace })
    assert.deepEqual([renewed(), first.putOff], [2, 3])
    assert.equal(first.done.filter((action) => action.kind === 'renew').length, 2)
    assert.ok(first.done.some(({ subject }) => subject === 'e'))
    assert.equal((await apply(engine, { ...no, pace })).putOff, 3)
    clock.advance(60_000)
    await apply(engine, { ...no, pace })
    clock.advance(60_000)
    await apply(engine, { ...no, pace })
    assert.equal(renewed(), 5)
    assert.ok((await apply(engine, { ...no, pace })).nextDue > clock.now() + 20 * 60_000)
  })

  test('goes on with the valid pair when a renewal fails, tries again later, and says so', async () => {
    let full = false
    const engine = await applied({ services: { lake: {} } })
    const broken: Engine = {
      ...engine,
      randomBytes: (length) => {
        if (full && length === 16) throw new AuthorityError('DISK_FAILED', 'no luck')
        return engine.randomBytes(length)
      },
    }
    const before = checkPair(engine, 'lake')
    clock.advance(250 * DAY)
    full = true
    const tries: number[] = []
    for (let minute = 0; minute < 240; minute++) {
      const report = await apply(broken, { ...no, pace })
      if (report.failed.length > 0) tries.push(minute)
      assert.equal(checkPair(engine, 'lake'), before)
      clock.advance(60_000)
    }
    assert.ok(tries.length >= 5 && tries.length <= 14, `${tries}`)
    const waits = tries.slice(1).map((minute, index) => minute - tries[index]!)
    assert.ok(waits.at(-1)! > waits[0]!, `${waits}`)
    const [lake] = statusOf(broken).services
    assert.match(lake!.failed!.error, /no luck/)
    assert.ok(lake!.failed!.nextTryAt > clock.now() - 60_000)
    full = false
    clock.advance(60 * 60_000)
    await apply(broken, { ...no, pace })
    assert.notEqual(checkPair(engine, 'lake'), before)
    assert.equal(statusOf(broken).services[0]!.failed, undefined)
  })

  test('what fails by hand puts off no try of its own', async () => {
    let full = false
    const healthy = await applied({ services: { lake: {} } })
    const engine: Engine = {
      ...healthy,
      randomBytes: (length) => {
        if (full && length === 16) throw new AuthorityError('DISK_FAILED', 'no luck')
        return healthy.randomBytes(length)
      },
    }
    const before = checkPair(engine, 'lake')
    clock.advance(250 * DAY)
    full = true
    await apply(engine, { ...no, pace })
    const [first] = engine.store.attempts()
    for (let times = 0; times < 10; times++) await apply(engine, no)
    assert.deepEqual(engine.store.attempts(), [first])
    full = false
    clock.advance(first!.nextTryAt - clock.now())
    await apply(engine, { ...no, pace })
    assert.notEqual(checkPair(engine, 'lake'), before)
  })

  test('a failure that somebody has seen to by hand, or that nobody tries again, is none', async () => {
    let full = false
    const events: AuthorityEvent[] = []
    const healthy = await applied({ services: { lake: {} } })
    const engine: Engine = {
      ...healthy,
      report: (event) => events.push(event as AuthorityEvent),
      randomBytes: (length) => {
        if (full && length === 16) throw new AuthorityError('DISK_FAILED', 'no luck')
        return healthy.randomBytes(length)
      },
    }
    const failed = () => events.splice(0).flatMap((one) => (one.kind === 'issue-failed' ? [one.detail] : []))
    full = true
    // It was not due, and is not tried again.
    await rotate(engine, { what: 'pairs', service: 'lake' })
    assert.deepEqual(failed(), [{ instance: 'lake', error: 'no luck' }])
    assert.deepEqual(engine.store.attempts(), [])
    clock.advance(250 * DAY)
    await apply(engine, { ...no, pace })
    assert.ok(failed()[0]?.nextTryAt)
    assert.equal(engine.store.attempts().length, 1)
    full = false
    await issueNow(engine, engine.store.services()[0]!)
    await apply(engine, { ...no, pace })
    assert.deepEqual(engine.store.attempts(), [])
  })

  test('whoever is told of his files no more has not failed to be told', async () => {
    const tellService = () => Promise.reject(new AuthorityError('RELOAD_FAILED', 'it ended with 1'))
    const engine = await applied({ services: { lake: { reload: ['reload', 'it'] } } }, { tellService })
    assert.equal(engine.store.attempts().length, 1)
    const untold = { ...testEngine({ dir, clock, config: { services: { lake: {} } } }), store: engine.store }
    await apply(untold, { ...no, pace })
    assert.deepEqual(engine.store.attempts(), [])
  })

  test('leaves a service alone whose previous pair was put back, until it is told otherwise', async () => {
    const engine = await applied({ services: { lake: {}, stream: {} } })
    const first = checkPair(engine, 'lake')
    await rotate(engine, { what: 'pairs', service: 'lake' })
    assert.notEqual(checkPair(engine, 'lake'), first)
    await rotate(engine, { what: 'back', service: 'lake' })
    assert.equal(checkPair(engine, 'lake'), first)
    clock.advance(300 * DAY)
    await apply(engine, { ...no, pace })
    assert.equal(checkPair(engine, 'lake'), first)
    assert.ok(statusOf(engine).services.find(({ service }) => service === 'lake')?.held)
    await rotate(engine, { what: 'resume', service: 'lake' })
    await apply(engine, { ...no, pace })
    assert.notEqual(checkPair(engine, 'lake'), first)
  })

  test('holds what was put back though the config asks for something else, and nothing that comes after it', async () => {
    const engine = await applied({ services: { lake: {}, stream: {} } })
    const first = checkPair(engine, 'lake')
    const certificates = { organization: 'Another', key_algorithm: 'ecdsa-p256' }
    const changed = testEngine({ dir, clock, config: { services: { lake: {}, stream: {} }, certificates } })
    const next = { ...changed, store: engine.store }
    await apply(next, { approve: () => true })
    assert.notEqual(checkPair(next, 'lake'), first)
    await rotate(next, { what: 'back', service: 'lake' })
    const isHeld = () => statusOf(next).services.find(({ service }) => service === 'lake')!.held
    assert.deepEqual([(await apply(next, no)).done, checkPair(next, 'lake'), isHeld()], [[], first, true])
    await revoke(next, { targets: [{ serial: first }], reason: 'superseded' })
    await apply(next, no)
    const second = checkPair(next, 'lake')
    assert.deepEqual([second === first, isHeld()], [false, false])
    clock.advance(300 * DAY)
    await apply(next, { ...no, pace })
    assert.notEqual(checkPair(next, 'lake'), second)
  })

  test('puts nothing back that would be refused, or is too old', async () => {
    const refused = async (engine: Engine, message: RegExp) =>
      assert.rejects(rotate(engine, { what: 'back', service: 'lake' }), { code: 'NO_WAY_BACK', message })
    const engine = await applied({ services: { lake: { dns_names: ['old.service.internal'] }, stream: {} } })
    await refused(engine, /no previous pair/)
    const renamed = { ...testEngine({ dir, clock, config: { services: { lake: {}, stream: {} } } }) }
    const same = { ...renamed, store: engine.store }
    await apply(same, { approve: () => true })
    await refused(same, /names that the service has no more/)
    await rotate(same, { what: 'pairs', service: 'lake' })
    clock.advance(25 * 60 * 60_000)
    await refused(same, /keep_previous/)
    await rotate(same, { what: 'pairs', service: 'lake' })
    await rotate(same, { what: 'compromised', kind: 'log' })
    await refused(same, /log-1, which is compromised/)
    await rotate(same, { what: 'compromised', kind: 'issuing-ca' })
    await refused(same, /would be refused/)
  })

  test('puts back what bears an address that the service has still, and nothing else', async () => {
    const withAddresses = (lake: string[], stream: string[]) => ({
      services: { lake: { ip_addresses: lake }, stream: { ip_addresses: stream } },
    })
    const engine = await applied(withAddresses(['10.0.0.1', '10.0.0.2'], []))
    const { store } = engine
    const first = checkPair(engine, 'lake')
    await rotate(engine, { what: 'pairs' })
    await rotate(engine, { what: 'back', service: 'lake' })
    assert.equal(checkPair(engine, 'lake'), first)
    const fewer = { ...testEngine({ dir, clock, config: withAddresses(['10.0.0.1'], ['10.0.0.2']) }), store }
    await apply(fewer, { approve: () => true })
    await assert.rejects(rotate(fewer, { what: 'back', service: 'lake' }), { code: 'NO_WAY_BACK' })
  })

  test('puts back nothing that is on record of no instance, or of another', async (t) => {
    const engine = await applied({ services: { lake: {}, stream: {} } })
    await rotate(engine, { what: 'pairs' })
    const other = testEngine({ dir: join(dir, 'other'), clock, config: { services: { lake: {} } } })
    await apply(other, no)
    const pairOf = ({ layout, disk }: Engine, instance: string) =>
      new PairFolder(layout.instance(instance).dir, disk).read()
    const previous = t.mock.method(PairFolder.prototype, 'readPrevious')
    for (const pair of [pairOf(engine, 'stream'), pairOf(other, 'lake')]) {
      previous.mock.mockImplementation(() => pair)
      await assert.rejects(rotate(engine, { what: 'back', service: 'lake' }), {
        ...{ code: 'NO_WAY_BACK', message: /that is not on record/ },
      })
    }
  })

  test('puts back what is in no log only where that is not required', async () => {
    const config = (transparency: string) => ({ transparency, services: { lake: {} } })
    const engine = await applied(config('off'))
    const { store } = engine
    const unlogged = checkPair(engine, 'lake')
    const back = async (transparency: string) => {
      const asked = { ...testEngine({ dir, clock, config: config(transparency) }), store }
      await apply(asked, no)
      await apply(asked, no)
      return rotate(asked, { what: 'back', service: 'lake' })
    }
    assert.equal((await back('report')).rotated[0]?.serial, unlogged)
    await rotate(engine, { what: 'resume', service: 'lake' })
    await assert.rejects(back('required'), { code: 'NO_WAY_BACK', message: /that it is in no log/ })
  })

  test('says of a pair that was revoked since when and why it is, whichever of the two that was', async () => {
    const engine = await applied({ services: { lake: {}, stream: {} } })
    const said = async () => {
      const failure = await rotate(engine, { what: 'back', service: 'lake' }).catch((error) => error)
      return failure.message.match(/has: (.*); allowed/)?.[1]
    }
    const previous = checkPair(engine, 'lake')
    await rotate(engine, { what: 'pairs', service: 'lake' })
    const current = checkPair(engine, 'lake')
    const since = new Date(clock.now()).toISOString()
    await revoke(engine, { targets: [{ serial: current }], reason: 'superseded' })
    assert.equal(await said(), `found that the pair in use ${current} is revoked since ${since} (superseded)`)
    await revoke(engine, { targets: [{ serial: previous }], reason: 'key-compromise' })
    const stolen = `found that its previous pair ${previous} is revoked since ${since} (key-compromise)`
    assert.equal(await said(), stolen)
    await apply(engine, no)
    assert.match(await said(), new RegExp(`previous pair ${current} is revoked since`))
  })

  test('tells whoever reads files, once for every change, and again where that failed', async () => {
    const told: Handover[] = []
    let works = false
    const tellService = async (handover: Handover) => {
      told.push(handover)
      if (!works) throw new AuthorityError('RELOAD_FAILED', 'the command ended with 1')
    }
    const config = { services: { lake: { reload: ['reload', 'it'] }, stream: {} } }
    const engine = await applied(config, { tellService })
    assert.equal(told.length, 1)
    assert.match(told[0]!.files.cert, /lake\.crt$/)
    assert.deepEqual(
      engine.store.attempts().map(({ kind, subject, error }) => [kind, subject, error]),
      [['reload', 'lake', 'the command ended with 1']],
    )
    const untold = () => statusOf(engine).services.map((one) => one.untold?.error)
    assert.deepEqual(untold(), ['the command ended with 1', undefined])
    await apply(engine, { ...no, pace })
    assert.equal(told.length, 1)
    works = true
    clock.advance(60_000)
    await apply(engine, { ...no, pace })
    assert.equal(told.length, 2)
    assert.deepEqual(untold(), [undefined, undefined])
    await apply(engine, { ...no, pace })
    assert.equal(told.length, 2)
    assert.deepEqual(
      statusOf(engine).services.map(({ service, delivery }) => [service, delivery]),
      [
        ['lake', 'by-file'],
        ['stream', 'unheard'],
      ],
    )
    await rotate(engine, { what: 'pairs', service: 'lake' })
    await apply(engine, { ...no, pace })
    assert.equal(told.length, 3)
    assert.equal(told[2]!.serial, checkPair(engine, 'lake'))
    // A new root is a change too, and nothing is signed under it before it has been read.
    works = false
    await rotate(engine, { what: 'root', without: [] })
    assert.equal(engine.store.slots().find(({ id }) => id === 'root-2')?.state, 'prepared')
    assert.match(JSON.stringify(statusOf(engine).waits), /lake","reason":"has not read its files anew/)
    works = true
    await apply(engine, no)
    assert.equal(engine.store.slots().find(({ id }) => id === 'root-2')?.state, 'prepared')
    clock.advance(SETTLE_TIME)
    await apply(engine, no)
    assert.equal(engine.store.slots().find(({ id }) => id === 'root-2')?.state, 'active')
  })
})
