import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import {
  encodeSct,
  logIdOf,
  parseCertificate,
  precertEntry,
  type Sct,
  sctSignatureInput,
  sha256,
  withoutPoison,
} from '@datapunk/pki'
import { FixedClock, type Loggable, TestLog } from '@datapunk/testkit'
import { apply } from '../applying/apply.ts'
import { beginRoll } from '../rollover/begin.ts'
import type { SlotRow } from '../store/rows.ts'
import { testEngine } from '../testing/test-engine.ts'
import { seatLog } from '../transparency/log-slot.ts'
import { LogSeat } from './log-seat.ts'

describe('a log that has ended', () => {
  let dir: string
  let engine: ReturnType<typeof testEngine>
  let slot: SlotRow

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'ended-'))
    engine = testEngine({ dir, config: { services: { lake: {} } } })
    await apply(engine, { approve: () => true })
    slot = engine.store.slots().find(({ kind }) => kind === 'log')!
  })

  afterEach(() => rmSync(dir, { recursive: true }))

  for (const state of ['retiring', 'retired', 'compromised'] as const)
    test(`as ${state}, is not gone on with, nor put on record again, because it answers still`, async () => {
      await engine.store.write((transaction) => transaction.putSlot({ ...slot, state }))
      rmSync(engine.layout.instancesDir, { recursive: true })
      const { failed } = await apply(engine, { approve: () => true })
      const why = `is ${state}, and a log that has ended is not gone on with: .mtls rotate --log.`
      assert.match(failed[0]!.error.message, new RegExp(why))
      assert.equal((await seatLog(engine)).state, state)
      const logs = engine.store.slots().filter(({ kind }) => kind === 'log')
      assert.deepEqual(logs, [{ ...slot, state }])
    })

  test('is told of once by an apply that tries more than once', async () => {
    const authority = { store_ca_keys_in_clear: true, log: `http://log.test:7481/log/${'a'.repeat(32)}` }
    const { config } = testEngine({ dir, config: { services: { lake: {} }, authority } })
    await engine.store.write((transaction) => transaction.putSlot({ ...slot, state: 'retiring' }))
    rmSync(engine.layout.instancesDir, { recursive: true })
    await beginRoll(engine, { kind: 'issuing-ca', without: [] })
    engine.events.length = 0
    await apply({ ...engine, config }, { approve: () => true })
    const told = engine.events.filter(({ kind }) => kind === 'issue-failed')
    assert.deepEqual(
      told.map(({ subject }) => subject),
      ['lake'],
    )
    assert.match(JSON.stringify(told[0]!.detail), /`mtls log serve --new` there.*authority\.log/)
  })

  test('has another in its place where that is asked for', async () => {
    const next = await seatLog(engine, { fresh: true })
    assert.notEqual(next.spkiHash, slot.spkiHash)
    assert.equal(next.state, 'prepared')
  })
})

describe('an SCT that peers would refuse', () => {
  const now = Date.UTC(2026, 5, 1)
  const minute = 60_000
  let dir: string
  let log: TestLog

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'refused-'))
    log = await TestLog.create()
  })

  afterEach(() => rmSync(dir, { recursive: true }))

  /** What becomes of lake, where the log answers so. */
  const applied = async (answer: (loggable: Loggable) => Promise<Sct> | Promise<Uint8Array>) => {
    const folder = mkdtempSync(join(dir, 'mesh-'))
    const made = testEngine({ dir: folder, clock: new FixedClock(now), config: { services: { lake: {} } } })
    const open = async () => ({
      ...{ spki: log.signer.spki, origin: 'log.test/1' },
      submit: async ([precertificate, issuer]: readonly Uint8Array[]) => {
        const tbs = withoutPoison(parseCertificate(precertificate!).tbs)
        const sct = await answer({ tbs, issuerSpki: parseCertificate(issuer!).spki })
        return sct instanceof Uint8Array ? sct : encodeSct(sct)
      },
      ...{ takes: async () => true, read: async () => undefined, holds: async () => true },
      close: async () => {},
    })
    const engine = { ...made, logSeat: new LogSeat(open) }
    const { failed } = await apply(engine, { approve: () => true })
    const [error] = failed.map((each) => each.error)
    const { length } = engine.store.currentCertificates()
    assert.equal(engine.logSeat.promised.size, length)
    return { code: (error as { code?: string } | undefined)?.code, message: error?.message ?? '', length }
  }

  const withoutPlace = async ({ tbs, issuerSpki }: Loggable): Promise<Sct> => {
    const entry = precertEntry({ tbs, issuerKeyHash: sha256(issuerSpki) })
    const signed = { timestamp: now, entry, extensions: new Uint8Array() }
    const signature = await log.signer.sign(sctSignatureInput(signed))
    return { logId: logIdOf(log.signer.spki), ...signed, leafIndex: undefined, algorithm: 'ecdsa', signature }
  }

  test('is never put into a certificate, and the error says what mends it', async () => {
    const other = await TestLog.create()
    const wrong: [RegExp, (loggable: Loggable) => Promise<Sct> | Promise<Uint8Array>][] = [
      [/does not say where in the log it is.*leaf_index.*`mtls rotate --log`/, withoutPlace],
      [
        /is of 2026-06-01T00:07:00.000Z, and the clock here says 2026-06-01T00:00:00.000Z; allowed: 300 s ahead.*wait until 2026-06-01T00:02:00.000Z.*`mtls rotate --log`/,
        (loggable) => log.sct(loggable, now + 7 * minute),
      ],
      [/is of 9007199254740991 ms/, (loggable) => log.sct(loggable, Number.MAX_SAFE_INTEGER)],
      [/is of another log.*what answers at its URL/, (loggable) => other.sct(loggable, now)],
      [/has not signed it/, ({ issuerSpki }) => log.sct({ tbs: Buffer.of(5, 0), issuerSpki }, now)],
      [/can’t be read/, async () => Buffer.from('sct')],
    ]
    for (const [why, answer] of wrong) {
      const { code, message, length } = await applied(answer)
      assert.deepEqual([code, length], ['LOG_UNAVAILABLE', 0], message)
      assert.match(message, why)
      assert.match(message, /no peer would believe/)
    }
  })

  test('is not one of a clock that is ahead by what clocks may differ', async () => {
    const { message, length } = await applied((loggable) => log.sct(loggable, now + 5 * minute))
    assert.deepEqual([message, length], ['', 1])
  })
})
