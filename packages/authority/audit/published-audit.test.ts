import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { FixedClock } from '@datapunk/testkit'
import { apply } from '../applying/apply.ts'
import { continueFromHere } from '../backup/continue-from-here.ts'
import type { Engine } from '../engine/engine.ts'
import { rotate } from '../rotation/rotate.ts'
import { MemoryStore } from '../store/memory.ts'
import { testEngine } from '../testing/test-engine.ts'
import { auditAhead } from './published-audit.ts'
import { verifyAudit } from './verify-audit.ts'

const yes = { approve: () => true }
const DAY = 24 * 60 * 60 * 1000

describe('the audit, held against the bundle that lies published', () => {
  let dir: string
  let clock: FixedClock
  let rows: MemoryStore
  let engine: Engine

  const engineOver = (store: MemoryStore) =>
    testEngine({ dir, clock, config: { services: { lake: {} } }, store })

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'published-audit-'))
    clock = new FixedClock(Date.UTC(2026, 5, 1))
    rows = new MemoryStore()
    engine = engineOver(rows)
    await apply(engine, yes)
  })

  afterEach(() => rmSync(dir, { recursive: true }))

  const newest = () => engine.store.auditCheckpoints().at(-1)!
  const faultsOf = ({ store }: Engine, looking: Engine) =>
    verifyAudit(store, { ahead: auditAhead(looking) }).faults

  test('is whole where the inventory has published it', () => {
    assert.deepEqual(faultsOf(engine, engine), [])
  })

  test('is not where the inventory is an older one, until somebody has gone on from it', async () => {
    const copy = new MemoryStore({ rows })
    const { size } = engine.store.auditTree()
    clock.advance(DAY)
    await apply(engine, yes)
    const { generation, counter, size: to } = newest()
    const older = engineOver(copy)
    assert.deepEqual(faultsOf(older, older), [
      { kind: 'behind', from: Math.min(size + 1, to), to, bundle: `${generation}.${counter}` },
    ])
    await continueFromHere(older)
    assert.deepEqual(faultsOf(older, older), [])
    await apply(older, yes)
    assert.deepEqual(faultsOf(older, older), [])
  })

  test('is not where a key has signed since that the older inventory does not know', async () => {
    const copy = new MemoryStore({ rows })
    await rotate(engine, { what: 'compromised', kind: 'bundle-key' })
    await apply(engine, yes)
    const older = engineOver(copy)
    assert.deepEqual(
      faultsOf(older, older).map(({ kind, to }) => ({ kind, to })),
      [{ kind: 'behind', to: newest().size }],
    )
  })

  test('is not where the inventory is gone', () => {
    const gone = engineOver(new MemoryStore())
    const { size, generation, counter } = newest()
    assert.deepEqual(faultsOf(gone, gone), [
      { kind: 'behind', from: 1, to: size, bundle: `${generation}.${counter}` },
    ])
  })

  test('is not held against what none of this mesh’s keys has signed', () => {
    const { head } = engine.layout.mesh
    const bundle = JSON.parse(readFileSync(head, 'utf8')) as { signatures: object[] }
    writeFileSync(head, JSON.stringify({ ...bundle, signatures: [] }))
    const gone = engineOver(new MemoryStore())
    for (const looking of [engine, gone]) assert.deepEqual(faultsOf(looking, looking), [])
  })

  test('can’t be told where what the bundle says of it is gone', () => {
    const { dir: mesh } = engine.layout.mesh
    const gone = engineOver(new MemoryStore())
    rmSync(join(mesh, 'sections'), { recursive: true })
    assert.throws(() => auditAhead(gone), {
      code: 'INVENTORY_OUTDATED',
      message: /found published bundle 1\.\d+, and no inventory/,
    })
  })
})
