import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { encodeSct, parseCertificate, withoutPoison, withoutSctList } from '@datapunk/pki'
import { FixedClock, TestCa, TestLog } from '@datapunk/testkit'
import { apply } from '../applying/apply.ts'
import { continueFromHere } from '../backup/continue-from-here.ts'
import { AuthorityError } from '../error.ts'
import { issuePairs } from '../issuing/issue-pair.ts'
import type { CertificateLog } from '../scts/certificate-log.ts'
import { LogSeat } from '../scts/log-seat.ts'
import { slotOfLog } from '../scts/submit.ts'
import { authorityFault } from '../status/measurements.ts'
import { statusOf } from '../status/status.ts'
import { testEngine } from '../testing/test-engine.ts'
import { LogMonitor } from './log-monitor.ts'

const yes = { approve: () => true }

describe('the authority that watches its log', () => {
  let dir: string
  let clock: FixedClock
  let log: TestLog
  let engine: ReturnType<typeof testEngine>
  let monitor: LogMonitor
  let cheats: boolean
  let unreadable: boolean
  let refusal: Error | undefined

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'monitor-'))
    log = await TestLog.create()
    cheats = false
    unreadable = false
    refusal = undefined
    clock = new FixedClock(Date.UTC(2026, 5, 1))
    const made = testEngine({ dir, clock, config: { services: { lake: {}, stream: {} } } })
    const origin = 'log.test/1'
    const open = async (): Promise<CertificateLog> => ({
      ...{ spki: log.signer.spki, origin },
      submit: async ([precertificate, issuer]) => {
        if (refusal !== undefined) throw refusal
        const tbs = withoutPoison(parseCertificate(precertificate!).tbs)
        const { spki: issuerSpki } = parseCertificate(issuer!)
        const loggable = { tbs, issuerSpki, precertificate: precertificate! }
        if (!cheats) return encodeSct(await log.sct(loggable, made.clock()))
        const sct = await log.promise(loggable, made.clock(), log.leaves.length)
        await logStolen('lake')
        return encodeSct(sct)
      },
      takes: async () => true,
      read: async (path) => {
        if (unreadable) throw away()
        return (await log.files(origin, made.clock())).get(path)
      },
      holds: async () => true,
      close: async () => {},
    })
    engine = { ...made, logSeat: new LogSeat(open) }
    monitor = new LogMonitor(() => engine)
    await apply(engine, yes)
  })

  afterEach(() => rmSync(dir, { recursive: true }))

  const away = () =>
    Object.assign(new Error('it is away', { cause: new Error('connect ECONNREFUSED') }), {
      code: 'LOG_UNREADABLE',
    })

  const alarms = () =>
    engine.events.flatMap(({ kind, detail }) => (kind === 'log-alarm' ? [String(detail.message)] : []))

  /** Somebody who holds the issuing key logs a certificate of theirs. */
  const logStolen = async (service = 'lake') => {
    const ca = await TestCa.create({ trustDomain: engine.config.trustDomain, seed: `thief ${service}` })
    const { certificate } = await ca.leaf(service)
    const issuerSpki = ca.issuing.certificate.spki
    await log.sct({ tbs: certificate.tbs, issuerSpki, precertificate: certificate.der }, engine.clock())
    return certificate
  }

  test('finds nothing to say where everything logged is on record, and looks at each entry once', async () => {
    await monitor.look()
    assert.deepEqual(alarms(), [])
    const { store } = engine
    assert.equal(slotOfLog(store, log.signer.spki)?.monitored, log.leaves.length)
    assert.equal(engine.logSeat.promised.size, 0)
  })

  const failure = () => authorityFault(engine, undefined)
  const issueAnew = async () => {
    rmSync(engine.layout.instancesDir, { recursive: true, force: true })
    await apply(engine, yes)
  }

  test('opens one that runs elsewhere as soon as it is there, where it was away before', async () => {
    engine.peers.opened()
    const url = `http://log.test:7481/log/${'a'.repeat(32)}`
    const authority = { ...engine.config.authority, log: url }
    let isThere = false
    const logSeat = new LogSeat(async () => {
      if (!isThere) throw away()
      return engine.logSeat.log!
    })
    const started = { ...engine, config: { ...engine.config, authority }, logSeat }
    const monitor = new LogMonitor(() => started)
    await monitor.look()
    assert.equal(authorityFault(started, undefined), 'it is away')
    isThere = true
    await monitor.look()
    assert.equal(authorityFault(started, undefined), undefined)
  })

  test('shows whether it is there again, where somebody wanted it in vain', async () => {
    engine.peers.opened()
    refusal = away()
    await issueAnew()
    assert.equal(failure(), 'it is away')
    await monitor.look()
    assert.equal(failure(), undefined)
  })

  test('does not show whether it takes anything, where it could not: that is seen when it does', async () => {
    engine.peers.opened()
    refusal = new Error('ENOSPC: no space left on device')
    await issueAnew()
    await monitor.look()
    assert.equal(failure(), 'ENOSPC: no space left on device')
    refusal = undefined
    await issueAnew()
    assert.equal(failure(), undefined)
  })

  test('raises an alarm at what is logged and not on record', async () => {
    await monitor.look()
    const { serial } = await logStolen()
    await monitor.look()
    assert.equal(alarms().length, 1)
    assert.match(alarms()[0]!, new RegExp(`the certificate ${serial}, is logged and not on record`))
    await monitor.look()
    assert.equal(alarms().length, 1, 'it is told once')
  })

  test('raises none after a restore at what was logged before it, and one at what is logged later', async () => {
    await logStolen()
    clock.advance(1000)
    await continueFromHere(engine)
    await monitor.look()
    assert.deepEqual(alarms(), [])
    clock.advance(1000)
    const { serial } = await logStolen('later')
    await monitor.look()
    assert.equal(alarms().length, 1)
    assert.match(alarms()[0]!, new RegExp(`${serial}, is logged and not on record: somebody else signs`))
  })

  test('raises an alarm at a name outside the trust domain', async () => {
    const ca = await TestCa.create({ trustDomain: 'elsewhere.example', seed: 'stranger' })
    const { certificate } = await ca.leaf('lake')
    const issuerSpki = ca.issuing.certificate.spki
    await log.sct({ tbs: certificate.tbs, issuerSpki, precertificate: certificate.der }, engine.clock())
    await monitor.look()
    assert.match(alarms().join('\n'), /lake\.elsewhere\.example, spiffe:.* outside the trust domain/)
  })

  test('raises an alarm where the log holds something else than what it gave its word for', async () => {
    cheats = true
    const lake = { instance: 'lake', service: engine.store.services()[0]!, serving: undefined }
    await issuePairs(engine, [lake], { isDue: false })
    await monitor.look()
    assert.match(alarms().join('\n'), /is not the certificate for which the log gave its word/)
  })

  test('raises it once when what the log shows is not what it has signed, and looks again', async () => {
    const leaf = log.leaves[0]!
    log.leaves[0] = Buffer.alloc(32)
    await monitor.look()
    await monitor.look()
    assert.deepEqual(alarms(), ['tile/data/000.p/2 of the log does not hold the entries of its tree'])
    assert.equal(slotOfLog(engine.store, log.signer.spki)?.monitored, undefined)
    log.leaves[0] = leaf
    await monitor.look()
    assert.equal(slotOfLog(engine.store, log.signer.spki)?.monitored, log.leaves.length)
  })

  /** What is told when looks fail. */
  const failures = () =>
    engine.events.flatMap(({ kind, detail }) =>
      kind === 'log-unavailable' || kind === 'store-failed' ? [`${kind}: ${detail.error}`] : [],
    )

  const look = async (times: number) => {
    for (let time = 0; time < times; time++) {
      await monitor.look()
      clock.advance(30_000)
    }
  }

  test('says nothing while the log can’t be read for a moment', async () => {
    unreadable = true
    await look(5)
    unreadable = false
    await look(1)
    unreadable = true
    await look(5)
    assert.deepEqual([alarms(), failures(), statusOf(engine).transparency.unread], [[], [], undefined])
  })

  test('says so once when the log can’t be read for minutes, and does so in its status until it can', async () => {
    engine.peers.opened()
    const told =
      /^log-unavailable: the log log.test\/1 has not .* since 2026-06-01T00:00:00.000Z: it is away\. `mtls/
    unreadable = true
    await look(20)
    assert.equal(failures().length, 1)
    assert.match(failures()[0]!, told)
    assert.equal(`log-unavailable: ${statusOf(engine).transparency.unread}`, failures()[0])
    assert.equal(failure(), statusOf(engine).transparency.unread)
    unreadable = false
    await look(1)
    assert.equal(failure(), undefined)
    assert.equal(statusOf(engine).transparency.unread, undefined)
    unreadable = true
    await look(20)
    assert.equal(failures().length, 2)
    assert.deepEqual(alarms(), [])
  })

  test('says so when how far it has looked can’t be put on record', async (t) => {
    const full = () => Promise.reject(new AuthorityError('STORE_FAILED', 'the disk is full: free space'))
    const { mock } = t.mock.method(engine.store, 'write', full)
    await look(7)
    mock.restore()
    assert.equal(failures().length, 1)
    assert.match(failures()[0]!, /^store-failed: .*: the disk is full: free space$/)
    await look(1)
    assert.equal(statusOf(engine).transparency.unread, undefined)
    assert.equal(slotOfLog(engine.store, log.signer.spki)?.monitored, log.leaves.length)
  })

  test('raises it when an entry that was promised is not there, and a minute later is not either', async () => {
    engine.logSeat.promised.set(log.leaves.length, 'ab'.repeat(32))
    await monitor.look()
    clock.advance(59_000)
    await monitor.look()
    assert.deepEqual(alarms(), [])
    clock.advance(1_000)
    await monitor.look()
    await monitor.look()
    assert.deepEqual(alarms(), [
      `entry ${log.leaves.length}, which the log has promised, is not there: it has ${log.leaves.length}`,
    ])
  })

  test('what is issued has the SCT of the log, and is what was intended', () => {
    for (const { der, tbsHash, log: slot } of engine.store.currentCertificates()) {
      const { tbs, extensions } = parseCertificate(der!)
      assert.equal(extensions.poison, undefined)
      assert.ok(extensions.scts)
      assert.equal(slot, 'log-1')
      assert.equal(hash('sha256', withoutSctList(tbs)), tbsHash)
    }
  })
})
