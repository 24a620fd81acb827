import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { atEnd, FixedClock } from '@datapunk/testkit'
import { apply } from '../apply.ts'
import { testEngine } from '../testing/test-engine.ts'
import { OutageWatch, outageBudgetOf } from './outage-budget.ts'

const DAY = 24 * 60 * 60 * 1000

test('how long the mesh goes on by itself ends with the bundle or the first certificate, and is told when it is short', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'outage-'))
  atEnd(t, () => rmSync(dir, { recursive: true }))
  const clock = new FixedClock(Date.UTC(2026, 5, 1))
  const services = { lake: {}, stream: { validity_days: 5 } }
  const engine = testEngine({ dir, clock, config: { services } })
  await apply(engine, { approve: () => false })
  assert.deepEqual(outageBudgetOf(engine)?.endedBy, { kind: 'certificate', subject: 'stream' })
  const watch = new OutageWatch()
  const told = () => {
    watch.look(engine)
    return engine.events.filter(({ kind }) => kind === 'outage-budget').map(({ subject }) => subject)
  }
  assert.deepEqual(told(), [])
  clock.advance(2 * DAY)
  assert.deepEqual(told(), ['stream'])
  assert.deepEqual(told(), ['stream'])
})

test('it ends with a revocation list, where a server goes by that', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'outage-'))
  atEnd(t, () => rmSync(dir, { recursive: true }))
  const clock = new FixedClock(Date.UTC(2026, 5, 1))
  for (const [delivery, kind] of [
    ['mesh', 'bundle'],
    ['files', 'list'],
  ] as const) {
    const config = { services: { web: { delivery } }, revocation: { crl_days: 3 } }
    const engine = testEngine({ dir: join(dir, delivery), clock, config })
    await apply(engine, { approve: () => false })
    assert.equal(outageBudgetOf(engine)?.endedBy.kind, kind)
  }
})
