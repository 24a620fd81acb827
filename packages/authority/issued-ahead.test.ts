import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseCertificate } from '@datapunk/pki'
import { atEnd, FixedClock } from '@datapunk/testkit'
import { apply } from './apply.ts'
import { measure } from './measurements.ts'
import { rotate } from './rotate.ts'
import { statusOf } from './status.ts'
import { checkPair } from './testing/peer-eyes.ts'
import { testEngine } from './testing/test-engine.ts'

const DAY = 24 * 60 * 60 * 1000
const no = { approve: () => false }

test('what was issued while the clock was ahead is told of, and made anew once somebody says so', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'ahead-'))
  atEnd(t, () => rmSync(dir, { recursive: true }))
  const clock = new FixedClock(Date.UTC(2026, 5, 1))
  const engine = testEngine({ dir, clock, config: { services: { lake: {}, stream: {} } } })
  engine.peers.opened()
  await apply(engine, no)
  clock.advance(300 * DAY)
  await apply(engine, no)
  const told = () => [
    statusOf(engine).fault,
    measure(engine, { services: 0, last: undefined, failure: undefined }).fault,
  ]
  assert.deepEqual(told(), [undefined, undefined])

  clock.advance(-30 * DAY)
  const number = engine.store.bundle()!.counter
  assert.deepEqual((await apply(engine, no)).done, [], 'should this clock be the wrong one')
  assert.equal(engine.store.bundle()!.counter, number)
  for (const fault of told())
    assert.match(fault ?? '', /is of 2027-03-28.* clock says 2027-02-26.*`mtls rotate --log`/)

  await rotate(engine, { what: 'log', without: [] })
  await apply(engine, no)
  assert.deepEqual((await rotate(engine, { what: 'pairs' })).failed, [])
  await apply(engine, no)
  assert.deepEqual(told(), [undefined, undefined])
  for (const service of ['lake', 'stream']) checkPair(engine, service)
  for (const { der } of engine.store.currentCertificates()) {
    const { notBefore, extensions } = parseCertificate(der!)
    assert.ok(notBefore <= clock.now())
    assert.ok(extensions.scts !== undefined)
  }
  for (const { thisUpdate } of engine.store.lists()) assert.ok(thisUpdate <= clock.now())
})

test('a clock that is behind by less than clocks may differ is nothing to tell of', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'ahead-'))
  atEnd(t, () => rmSync(dir, { recursive: true }))
  const clock = new FixedClock(Date.UTC(2026, 5, 1))
  const engine = testEngine({ dir, clock, config: { services: { lake: {} } } })
  await apply(engine, no)
  clock.advance(-engine.config.authority.clockSkew)
  assert.equal(statusOf(engine).fault, undefined)
  clock.advance(-1)
  assert.notEqual(statusOf(engine).fault, undefined)
})
