import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { parseCertificate } from '@datapunk/pki'
import { FixedClock } from '@datapunk/testkit'
import { apply } from '../applying/apply.ts'
import type { Engine } from '../engine/engine.ts'
import { takeStep } from '../rollover/roll.ts'
import { rotate } from '../rotation/rotate.ts'
import { checkState } from '../state/check-state.ts'
import { MemoryStore } from '../store/memory.ts'
import { checkPair, readAsPeer } from '../testing/peer-eyes.ts'
import { testEngine } from '../testing/test-engine.ts'
import { continueFromHere } from './continue-from-here.ts'

const yes = { approve: () => true }
const DAY = 24 * 60 * 60 * 1000

describe('an inventory that was put back', () => {
  let dir: string
  let clock: FixedClock
  let rows: MemoryStore
  let engine: Engine
  const config = { services: { lake: {} } }

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'put-back-'))
    clock = new FixedClock(Date.UTC(2026, 5, 1))
    rows = new MemoryStore()
    engine = testEngine({ dir, clock, config, store: rows })
    await apply(engine, yes)
  })

  afterEach(() => rmSync(dir, { recursive: true }))

  /** The folder of the authority, and the root in its seat, as they were before `since`; what it publishes stays. */
  const putBackFromBefore = async (since: () => Promise<unknown>) => {
    const { keys } = engine.layout.authority
    const { caKey } = engine.config.paths
    const [copy, seat] = [join(dir, 'copied-keys'), join(dir, 'copied.key')]
    cpSync(keys, copy, { recursive: true })
    cpSync(caKey, seat)
    const before = new MemoryStore({ rows })
    clock.advance(DAY)
    await since()
    rmSync(keys, { recursive: true })
    cpSync(copy, keys, { recursive: true })
    cpSync(seat, caKey)
    rows = before
    engine = testEngine({ dir, clock, config, store: rows })
  }

  test('signs nothing while newer files lie published', async () => {
    await putBackFromBefore(() => apply(engine, yes))
    const message = /found published bundle 1\.\d+, and 1\.\d+ is the newest on record here/
    assert.throws(() => checkState(engine), { code: 'INVENTORY_OUTDATED', message })
    await assert.rejects(apply(engine, yes), { code: 'INVENTORY_OUTDATED' })

    await continueFromHere(engine)
    await apply(engine, yes)
    assert.equal(readAsPeer(engine).bundle.head.number.generation, 2)
    checkPair(engine, 'lake')
  })

  test('goes on with the root that has taken the place of its own since', async () => {
    const isDropped = () => engine.store.slots().find(({ id }) => id === 'root-1')?.state === 'retired'
    engine.peers.opened()
    clock.advance(DAY)
    await takeStep(engine, { kind: 'prepare', slotKind: 'root', reason: 'asked for' })
    await putBackFromBefore(async () => {
      for (let look = 0; !isDropped() && look < 20; look++) {
        await apply(engine, yes)
        clock.advance(DAY)
      }
      assert.ok(isDropped())
    })
    await continueFromHere(engine)
    const slots = engine.store.slots()
    const roots = slots.filter(({ kind }) => kind === 'root')
    assert.deepEqual(
      roots.map(({ id, state }) => [id, state]),
      [
        ['root-1', 'retired'],
        ['root-2', 'active'],
      ],
    )
    assert.equal(new Set(slots.map(({ spkiHash }) => spkiHash)).size, slots.length, 'each key once')
    await apply(engine, yes)
    checkPair(engine, 'lake')
  })

  test('goes on with the issuing CA that peers still trust', async () => {
    await putBackFromBefore(async () => {
      await rotate(engine, { what: 'compromised', kind: 'bundle-key' })
      await apply(engine, yes)
    })
    await continueFromHere(engine)
    const cas = engine.store.slots().filter(({ kind }) => kind === 'issuing-ca')
    assert.deepEqual(
      cas.map(({ id, state }) => [id, state]),
      [['issuing-ca-1', 'active']],
    )
  })

  test('waits again for whoever had left, who may have come since', async () => {
    const { generation, counter } = engine.store.bundle()!
    const number = { generation, counter }
    await engine.store.write((transaction) =>
      transaction.putAcknowledgement({
        ...{ instance: 'lake', ...number, trustStatement: number, serial: '01', at: clock.now() },
        ...{ document: new Uint8Array(), leftAt: clock.now() },
      }),
    )
    await continueFromHere(engine)
    assert.deepEqual(
      engine.store.acknowledgements().map(({ leftAt }) => leftAt),
      [undefined],
    )
  })

  test('brings back no issuing CA that was stolen since, and makes another', async () => {
    const [stolen] = readAsPeer(engine).trust.issuingCas
    await putBackFromBefore(async () => {
      await rotate(engine, { what: 'compromised', kind: 'issuing-ca' })
      await apply(engine, yes)
    })
    await continueFromHere(engine)
    await apply(engine, yes)
    const { trust } = readAsPeer(engine)
    assert.ok(trust.issuingCas.every(({ der }) => Buffer.compare(der, stolen!.der) !== 0))
    const shown = engine.store.certificate(checkPair(engine, 'lake'))!
    const { issuer } = parseCertificate(shown.der!)
    assert.notDeepEqual(issuer.der, stolen!.subject.der)
    assert.equal(engine.store.slots().find(({ id }) => id === shown.slot)?.state, 'active')
  })
})
