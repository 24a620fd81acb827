import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { FixedClock } from '@datapunk/testkit'
import { apply } from '../applying/apply.ts'
import { continueFromHere } from '../backup/continue-from-here.ts'
import { authorityFault } from '../status/measurements.ts'
import { MemoryStore } from '../store/memory.ts'
import { testEngine } from '../testing/test-engine.ts'
import { haltEvidence } from './halt.ts'

const DAY = 24 * 60 * 60 * 1000

const evidence = 'a peer showed bundle 1.9, and 1.2 is the newest on record here'
const yes = { approve: () => true }

describe('an inventory that is shown not to be the newest', () => {
  let dir: string
  let isFull: boolean
  let committing: () => void
  let engine: ReturnType<typeof testEngine>
  let clock: FixedClock

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'halt-'))
    isFull = false
    committing = () => {}
    const commit = () => {
      committing()
      return isFull ? 'lost' : 'kept'
    }
    clock = new FixedClock(Date.UTC(2026, 5, 1))
    engine = testEngine({
      dir,
      clock,
      store: new MemoryStore({ commit }),
      config: { services: { lake: {} } },
    })
    engine.peers.opened()
    await apply(engine, yes)
    engine.events.length = 0
  })

  afterEach(() => rmSync(dir, { recursive: true }))

  const told = () => engine.events.map(({ kind }) => kind)
  const halts = () => [...engine.store.auditRecords(0)].filter(({ deed }) => deed === 'halted').length

  test('signs nothing more from then on, also where that can’t be put on record, which is told once', async () => {
    isFull = true
    const begun = engine.halting.begin(engine, evidence)
    await assert.rejects(apply(engine, yes), { code: 'INVENTORY_OUTDATED' })
    await begun
    await engine.halting.record(engine)
    assert.deepEqual([told(), engine.store.mesh()?.halted], [['store-failed'], undefined])
    assert.match(authorityFault(engine, undefined) ?? '', /^a peer showed bundle 1\.9/)
    isFull = false
    await Promise.all([engine.halting.record(engine), engine.halting.record(engine)])
    assert.deepEqual([told(), engine.store.mesh()?.halted], [['store-failed', 'halted'], evidence])
    assert.equal(halts(), 1)
    await assert.rejects(apply(engine, yes), { code: 'INVENTORY_OUTDATED' })
  })

  test('signs nothing more in what has begun, whenever it is shown', async (t) => {
    const withSigner = engine.keys.withSigner.bind(engine.keys)
    let signed = 0
    t.mock.method(engine.keys, 'withSigner', ((slot, use) =>
      withSigner(slot, (signer) =>
        use({
          ...signer,
          sign: async (message) => {
            const isHalted = haltEvidence(engine) !== undefined
            const signature = await signer.sign(message)
            if (isHalted) signed++
            return signature
          },
        }),
      )) satisfies typeof withSigner)
    let shown = 0
    for (let at = 1; ; at++) {
      // All of it is due again.
      clock.advance(300 * DAY)
      let commits = 0
      committing = () => {
        if (++commits === at) void engine.halting.begin(engine, evidence)
      }
      const failure = await apply(engine, yes).then(
        () => undefined,
        (error) => error.code,
      )
      committing = () => {}
      if (commits < at) break
      shown++
      assert.deepEqual([at, failure, signed], [at, 'INVENTORY_OUTDATED', 0])
      assert.deepEqual(engine.store.attempts(), [])
      await engine.halting.record(engine)
      await continueFromHere(engine)
    }
    assert.ok(shown > 5)
  })

  test('is halted once, whoever shows it', async () => {
    await Promise.all([engine.halting.begin(engine, evidence), engine.halting.begin(engine, 'another')])
    await engine.halting.begin(engine, 'a third')
    assert.deepEqual([told(), halts(), engine.store.mesh()?.halted], [['halted'], 1, evidence])
  })

  test('goes on from where others have seen it, when somebody has looked', async () => {
    isFull = true
    await engine.halting.begin(engine, evidence.replace('1.9', '5.9'))
    isFull = false
    assert.equal((await continueFromHere(engine)).generation, 6)
    await apply(engine, yes)
    assert.equal(authorityFault(engine, undefined), undefined)
  })
})
