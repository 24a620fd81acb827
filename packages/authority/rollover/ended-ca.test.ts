import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { FixedClock } from '@datapunk/testkit'
import { apply } from '../applying/apply.ts'
import type { Engine } from '../engine/engine.ts'
import { dueLists } from '../revoked/lists.ts'
import { testEngine } from '../testing/test-engine.ts'

const DAY = 24 * 60 * 60 * 1000
const yes = { approve: () => true }

describe('an issuing CA that ended while nobody was there', () => {
  let dir: string
  let clock: FixedClock
  let engine: Engine
  let end: number

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'ended-ca-'))
    clock = new FixedClock(Date.UTC(2026, 5, 1))
    engine = testEngine({ dir, clock, config: { services: { lake: {}, stream: {} } } })
    await apply(engine, yes)
    end = engine.store.issuedOf('issuing-ca')[0]!.notAfter
  })

  afterEach(() => rmSync(dir, { recursive: true }))

  const activeCa = () =>
    engine.store.slots().find(({ kind, state }) => kind === 'issuing-ca' && state === 'active')?.id

  test('is replaced at once, whoever has not heard of it, and every service has a certificate again', async () => {
    clock.set(end + 5 * DAY)
    assert.deepEqual((await apply(engine, yes)).failed, [])
    assert.equal(activeCa(), 'issuing-ca-2')
    const current = engine.store.currentCertificates().map(({ instance, slot }) => `${instance} ${slot}`)
    assert.deepEqual(current.sort(), ['lake issuing-ca-2', 'stream issuing-ca-2'])
  })

  test('signs no more lists, and the last one before its end is not renewed until there', async () => {
    const due = () => dueLists(engine).map(({ slot }) => slot)
    // The root's own list is due too by then.
    clock.set(end - 2 * DAY)
    assert.ok(due().includes('issuing-ca-1'))
    await apply(engine, yes)
    assert.equal(engine.store.list('issuing-ca-1', '')!.nextUpdate, end)
    clock.set(end - 1000)
    assert.deepEqual(due(), [])
    clock.set(end + DAY)
    assert.deepEqual(due(), [])
  })
})
