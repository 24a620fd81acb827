import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import {
  encodeSct,
  isSignedSct,
  parseCertificate,
  parseSct,
  precertEntry,
  sha256,
  withoutPoison,
} from '@datapunk/pki'
import { FixedClock, TestLog } from '@datapunk/testkit'
import { apply } from '../applying/apply.ts'
import { compromise } from '../rollover/compromise.ts'
import { rotate } from '../rotation/rotate.ts'
import type { CertificateLog, WantedLog } from '../scts/certificate-log.ts'
import { LogSeat } from '../scts/log-seat.ts'
import { slotOfLog } from '../scts/submit.ts'
import { authorityFault } from '../status/measurements.ts'
import { statusOf } from '../status/status.ts'
import { testEngine } from '../testing/test-engine.ts'
import { LogMonitor } from './log-monitor.ts'
import { notPutBack } from './put-back.ts'

const yes = { approve: () => true }
const all = { what: 'pairs', all: true } as const

describe('a log whose folder was put back', () => {
  let dir: string
  let log: TestLog
  let open: number
  let made: ReturnType<typeof testEngine>

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'put-back-'))
    log = await TestLog.create()
    open = 0
    const clock = new FixedClock(Date.UTC(2026, 5, 1))
    made = testEngine({ dir, clock, config: { services: { lake: {}, stream: {} } } })
    made.peers.opened()
  })

  afterEach(() => rmSync(dir, { recursive: true }))

  const openLog = async ({ fresh }: WantedLog): Promise<CertificateLog> => {
    if (fresh) log = await TestLog.create()
    const origin = `log.test/${log.id.slice(0, 32)}`
    open++
    return {
      ...{ spki: log.signer.spki, origin },
      submit: async ([precertificate, issuer]) => {
        const tbs = withoutPoison(parseCertificate(precertificate!).tbs)
        const loggable = { tbs, issuerSpki: parseCertificate(issuer!).spki, precertificate: precertificate! }
        return encodeSct(await log.sct(loggable, made.clock()))
      },
      read: async (path) => (await log.files(origin, made.clock())).get(path),
      ...{ takes: async () => true, holds: async () => true },
      close: async () => void open--,
    }
  }

  /** As `mtls up` is when it was started. */
  const started = () => ({
    ...made,
    logSeat: new LogSeat(async (wanted) => notPutBack(await openLog(wanted), made)),
  })

  const alarms = () =>
    made.events.flatMap(({ kind, detail }) => (kind === 'log-alarm' ? [String(detail.message)] : []))

  const cutTo = (size: number) => {
    log.leaves.length = size
    log.records.length = size
  }

  for (const [what, watches] of [
    ['was watched', true],
    ['promised what is in use', false],
  ] as const)
    test(`is added to no more where it ${what}: that is told once, and another takes its place`, async () => {
      const before = started()
      await apply(before, yes)
      const size = log.leaves.length
      if (watches) await new LogMonitor(() => before).look()
      assert.equal(slotOfLog(made.store, log.signer.spki)?.monitored, watches ? size : undefined)
      await before.logSeat.close()
      cutTo(1)

      const engine = started()
      await apply(engine, yes)
      await apply(engine, yes)
      const { failed } = await rotate(engine, all)
      assert.match(failed[0]!.message, /nothing is issued that is not logged.*`mtls compromise --log`/)
      assert.deepEqual([log.leaves.length, open], [1, 0])
      assert.equal(alarms().length, 1)
      assert.match(alarms()[0]!, new RegExp(`found 1 entries in the log .*allowed: the ${size} or more`))
      assert.equal(statusOf(engine).transparency.failure, alarms()[0])
      assert.equal(authorityFault(engine, undefined), alarms()[0])

      const { spki } = log.signer
      await compromise(engine, 'log')
      await apply(engine, yes)
      assert.notEqual(log.signer.spki, spki)
      assert.deepEqual((await rotate(engine, all)).failed, [])
      assert.equal(authorityFault(engine, undefined), undefined)
      assert.equal(alarms().length, 1)
    })

  test('is gone on with where all that it has promised is there', async () => {
    const before = started()
    await apply(before, yes)
    await new LogMonitor(() => before).look()
    await before.logSeat.close()
    const engine = started()
    assert.deepEqual((await rotate(engine, all)).failed, [])
    assert.deepEqual(alarms(), [])
  })

  test('elsewhere, gives itself away by the places that it names', async () => {
    const engine = { ...made, logSeat: new LogSeat(openLog) }
    await apply(engine, yes)
    await new LogMonitor(() => engine).look()
    cutTo(1)
    const { failed } = await rotate(engine, all)
    assert.match(
      failed[0]!.message,
      /it is for entry 1, which another has; allowed: one of its own, 2 or later/,
    )
    // It has signed that one for another by now.
    await rotate(engine, all)
    const [alarm, ...more] = made.events.flatMap((event) =>
      event.kind === 'log-alarm' ? [event.detail] : [],
    )
    assert.deepEqual([alarm?.leafIndex, more], [1, []])
    const precertificate = parseCertificate(Buffer.from(alarm!.precertificate!, 'base64'))
    const issuer = made.store.slots().find(({ kind }) => kind === 'issuing-ca')!
    const entry = precertEntry({ tbs: withoutPoison(precertificate.tbs), issuerKeyHash: sha256(issuer.spki) })
    assert.ok(isSignedSct(parseSct(Buffer.from(alarm!.sct!, 'base64')), entry, log.signer.spki))
  })

  test('elsewhere, gives itself away by a place that it has promised, where nobody has looked yet', async () => {
    const engine = { ...made, logSeat: new LogSeat(openLog) }
    await apply(engine, yes)
    cutTo(1)
    assert.match((await rotate(engine, all)).failed[0]!.message, /it is for entry 1, which another has/)
    assert.equal(alarms().length, 1)
  })
})
