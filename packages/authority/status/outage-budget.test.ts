import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { atEnd, FixedClock } from '@datapunk/testkit'
import { apply } from '../applying/apply.ts'
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
  // A third of five days is left when it is renewed, where all is well.
  clock.advance(3.5 * DAY)
  assert.deepEqual(told(), [])
  clock.advance(DAY)
  assert.deepEqual(told(), ['stream'])
  assert.deepEqual(told(), ['stream'])
})

const short: readonly (readonly [what: string, config: Record<string, unknown>])[] = [
  ['certificates of a day', { certificates: { validity_days: 1 }, services: { lake: {}, stream: {} } }],
  ['lists of a day', { revocation: { crl_days: 1 }, services: { web: { delivery: 'files' } } }],
  ['bundles of a day', { authority: { bundle_days: 1 }, services: { lake: {} } }],
  ['renewals at nine tenths', { rotation: { renew_at: 0.9 }, services: { lake: { validity_days: 3 } } }],
]

for (const [what, config] of short)
  test(`of ${what} nothing is told, nor expected to last longer, as long as the authority does its work`, async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'outage-'))
    atEnd(t, () => rmSync(dir, { recursive: true }))
    const clock = new FixedClock(Date.UTC(2026, 5, 1))
    const engine = testEngine({ dir, clock, config })
    const watch = new OutageWatch()
    let least = Number.POSITIVE_INFINITY
    for (let hours = 0; hours < 72; hours += 0.5) {
      await apply(engine, { approve: () => false })
      watch.look(engine)
      const { until, expected } = outageBudgetOf(engine)!
      least = Math.min(least, (until - clock.now()) / expected)
      clock.advance(DAY / 48)
    }
    assert.deepEqual(
      engine.events.filter(({ kind }) => kind === 'outage-budget'),
      [],
    )
    assert.ok(least > 0.9, `${least} of what is expected`)
    clock.advance(3 * DAY)
    watch.look(engine)
    assert.equal(engine.events.filter(({ kind }) => kind === 'outage-budget').length, 1)
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
