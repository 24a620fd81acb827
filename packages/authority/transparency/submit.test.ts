import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { apply } from '../apply.ts'
import type { SlotRow } from '../store/rows.ts'
import { testEngine } from '../testing/test-engine.ts'
import { seatLog } from './log-slot.ts'

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
      assert.match(failed[0]!.error.message, new RegExp(`is ${state}, and a log that has ended`))
      assert.equal((await seatLog(engine)).state, state)
      const logs = engine.store.slots().filter(({ kind }) => kind === 'log')
      assert.deepEqual(logs, [{ ...slot, state }])
    })

  test('has another in its place where that is asked for', async () => {
    const next = await seatLog(engine, { fresh: true })
    assert.notEqual(next.spkiHash, slot.spkiHash)
    assert.equal(next.state, 'prepared')
  })
})
