import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { atEnd, FixedClock } from '@datapunk/testkit'
import { apply } from '../applying/apply.ts'
import type { Engine } from '../engine/engine.ts'
import { renewalDue } from '../planning/plan.ts'
import { testEngine } from '../testing/test-engine.ts'
import { issuePair, withIssuer } from './issue-pair.ts'

const MINUTE = 60_000

test('a leaf of minutes is valid from before it was made until long after, and is renewed in between', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'issue-'))
  atEnd(t, () => rmSync(dir, { recursive: true }))
  const clock = new FixedClock(Date.UTC(2026, 5, 1))
  for (const minutes of [4, 30, 600, 1440]) {
    const place = join(dir, String(minutes))
    const engine = withLife(testEngine({ dir: place, clock, config: { services: { lake: {} } } }), minutes)
    await apply(engine, { approve: () => false })
    const [leaf] = engine.store.currentCertificates()
    const due = renewalDue(leaf!, 0.67, 0.05)
    assert.ok(
      leaf!.notBefore <= clock.now() - Math.min(5, minutes / 4) * MINUTE,
      `${minutes}: not late enough`,
    )
    assert.ok(leaf!.notAfter > clock.now() + (minutes * MINUTE) / 2, `${minutes}: it ends too soon`)
    assert.ok(due > clock.now() && due < leaf!.notAfter, `${minutes}: renewed when it is not due`)
    assert.equal(leaf!.notAfter - leaf!.notBefore, minutes * MINUTE)
  }
})

test('a leaf never outlives its issuer, however long its life is to be', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'issue-'))
  atEnd(t, () => rmSync(dir, { recursive: true }))
  const clock = new FixedClock(Date.UTC(2026, 5, 1))
  const engine = testEngine({ dir, clock, config: { services: { lake: {} } } })
  await apply(engine, { approve: () => false })
  const [ca] = engine.store.issuedOf('issuing-ca')
  // Nothing rolls over where nobody looks; the certificate is asked for by hand.
  clock.advance(ca!.notAfter - 10 * MINUTE - clock.now())
  const [service] = engine.store.services()
  await withIssuer(engine, (issuer) =>
    issuePair(engine, { instance: 'lake', service: service!, serving: undefined }, issuer),
  )
  const [leaf] = engine.store.currentCertificates()
  assert.equal(leaf!.notAfter, ca!.notAfter)
})

test('nothing is issued where what draws serials draws the same again and again', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'issue-'))
  atEnd(t, () => rmSync(dir, { recursive: true }))
  const engine = testEngine({ dir, config: { services: { lake: {} } } })
  await apply(engine, { approve: () => false })
  const [service] = engine.store.services()
  const { serial } = engine.store.currentCertificates()[0]!
  const randomBytes = () => Buffer.from(serial.slice(-32), 'hex')
  const issuing = withIssuer(engine, (issuer) =>
    issuePair(
      { ...engine, randomBytes },
      { instance: 'lake', service: service!, serving: undefined },
      issuer,
    ),
  )
  await assert.rejects(issuing, { code: 'SERIAL_REUSED' })
  assert.equal(engine.store.currentCertificates()[0]?.serial, serial)
})

/** The config file knows whole days only. */
function withLife(engine: Engine, minutes: number): Engine {
  const validityDays = minutes / 1440
  const services = new Map(
    [...engine.config.services].map(([name, service]) => [name, { ...service, validityDays }]),
  )
  return { ...engine, config: { ...engine.config, services } }
}
