import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { apply } from '../apply.ts'
import { continueFromHere } from '../backup/continue-from-here.ts'
import { authorityFault } from '../status/measurements.ts'
import { MemoryStore } from '../store/memory.ts'
import { testEngine } from '../testing/test-engine.ts'

const evidence = 'a peer showed bundle 1.9, and 1.2 is the newest on record here'
const yes = { approve: () => true }

describe('an inventory that is shown not to be the newest', () => {
  let dir: string
  let isFull: boolean
  let engine: ReturnType<typeof testEngine>

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'halt-'))
    isFull = false
    const store = new MemoryStore({ commit: () => (isFull ? 'lost' : 'kept') })
    engine = testEngine({ dir, store, config: { services: { lake: {} } } })
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
