import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parseCertificate } from '@datapunk/pki'
import { atEnd, FixedClock } from '@datapunk/testkit'
import { apply } from '../applying/apply.ts'
import type { Engine } from '../engine/engine.ts'
import { AuthorityError } from '../error.ts'
import { type RotateRequest, rotate } from '../rotation/rotate.ts'
import { measure } from '../status/measurements.ts'
import { statusOf } from '../status/status.ts'
import { checkPair, readAsPeer } from '../testing/peer-eyes.ts'
import { testEngine } from '../testing/test-engine.ts'

const DAY = 24 * 60 * 60 * 1000
const no = { approve: () => false }

async function applied(t: TestContext, settings = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'ahead-'))
  atEnd(t, () => rmSync(dir, { recursive: true }))
  const clock = new FixedClock(Date.UTC(2026, 5, 1))
  const engine = testEngine({ dir, clock, config: { services: { lake: {}, stream: {} }, ...settings } })
  engine.peers.opened()
  await apply(engine, no)
  return { engine, clock }
}

/** As the status says it, and `/readyz`. */
const told = (engine: Engine) => [
  statusOf(engine).fault,
  measure(engine, { services: 0, last: undefined, failure: undefined }).fault,
]

/** How far the clock was ahead, and what makes anew what was issued then, besides another log. */
const jumps: readonly (readonly [days: number, anew: string, request?: RotateRequest])[] = [
  [300, '`$'],
  [900, '.*rotate --issuing-ca`$', { what: 'issuing-ca', without: [] }],
  [2800, '.*rotate --root-ca`$', { what: 'root', without: [] }],
]

for (const [days, anew, request] of jumps) {
  test(`what was issued ${days} days ahead is told of, and made anew once somebody says so`, async (t) => {
    const { engine, clock } = await applied(t)
    clock.advance(days * DAY)
    await apply(engine, no)
    assert.deepEqual(told(engine), [undefined, undefined])

    clock.advance((20 - days) * DAY)
    const number = engine.store.bundle()!.counter
    assert.deepEqual((await apply(engine, no)).done, [], 'this clock may be the wrong one')
    assert.equal(engine.store.bundle()!.counter, number)
    for (const fault of told(engine))
      assert.match(fault ?? '', new RegExp(`clock says 2026-06-21.*rotate --log${anew}`))

    await rotate(engine, { what: 'log', without: [] })
    await apply(engine, no)
    if (request !== undefined) await rotate(engine, request)
    await apply(engine, no)
    assert.deepEqual(told(engine), [undefined, undefined])
    for (const service of ['lake', 'stream']) checkPair(engine, service)
    for (const { der } of engine.store.currentCertificates()) {
      const { notBefore, extensions } = parseCertificate(der!)
      assert.ok(notBefore <= clock.now())
      assert.ok(extensions.scts !== undefined)
    }
    const inUse = new Set(engine.store.slots().flatMap(({ id, state }) => (state === 'active' ? [id] : [])))
    for (const { slot, thisUpdate } of engine.store.lists())
      if (inUse.has(slot)) assert.ok(thisUpdate <= clock.now(), slot)
    assert.deepEqual((await apply(engine, no)).done, [])
  })
}

test('peers go on past a trust statement that was signed ahead, and pairs are made anew by themselves', async (t) => {
  const { engine, clock } = await applied(t)
  const { trust: from } = readAsPeer(engine)
  clock.advance(400 * DAY)
  await rotate(engine, { what: 'bundle-key', without: [] })
  await apply(engine, no)
  clock.advance(-380 * DAY)
  await apply(engine, no)
  assert.throws(() => readAsPeer(engine, from), { code: 'ISSUED_IN_THE_FUTURE' })

  await rotate(engine, { what: 'log', without: [] })
  await apply(engine, no)
  assert.ok(readAsPeer(engine, from).trust.issuedAt <= clock.now())
  for (const service of ['lake', 'stream']) checkPair(engine, service)
  assert.deepEqual(told(engine), [undefined, undefined])
})

test('without a log the trust statement is signed anew too, once somebody has said that the clock is right', async (t) => {
  const { engine, clock } = await applied(t, { transparency: 'off' })
  const { trust: from } = readAsPeer(engine)
  clock.advance(400 * DAY)
  await rotate(engine, { what: 'bundle-key', without: [] })
  await apply(engine, no)
  clock.advance(-380 * DAY)
  for (const fault of told(engine))
    assert.match(fault ?? '', /if it was ahead then, make everything anew with `mtls rotate --all`$/)
  await rotate(engine, { what: 'pairs' })
  await apply(engine, no)
  assert.ok(readAsPeer(engine, from).trust.issuedAt <= clock.now())
  for (const service of ['lake', 'stream']) checkPair(engine, service)
  assert.deepEqual((await apply(engine, no)).done, [])
})

test('a CA that is of the future is told of also once there is a bundle of today', async (t) => {
  const { engine, clock } = await applied(t)
  clock.advance(900 * DAY)
  await apply(engine, no)
  clock.advance(-880 * DAY)
  await rotate(engine, { what: 'log', without: [] })
  await apply(engine, no)
  for (const fault of told(engine))
    assert.match(fault ?? '', /^the certificate of issuing-ca-2 begins at 2028-11-16.*rotate --issuing-ca`/)
})

test('what the authority itself shows is made anew once somebody has said that the clock is right', async (t) => {
  const { engine, clock } = await applied(t)
  engine.ownPair.serve(() => {})
  clock.advance(400 * DAY)
  await apply(engine, no)
  const ahead = engine.ownPair.served?.serial
  clock.advance(-380 * DAY)
  await apply(engine, no)
  assert.equal(engine.ownPair.served?.serial, ahead)

  const noKey = new AuthorityError('KEY_INVALID', 'no key can be made')
  const keyless = { ...engine, makeKeyPair: () => Promise.reject(noKey) }
  await rotate(keyless, { what: 'log', without: [] })
  await apply(keyless, no)
  assert.equal(engine.ownPair.served?.serial, ahead)
  const again = engine.ownPair.dueAt!
  assert.ok(again < clock.now() + DAY, 'it is tried again soon, and not when the one of the future is due')
  clock.set(again)
  await apply(engine, no)
  const { serial } = engine.ownPair.served!
  assert.ok(engine.store.certificate(serial)!.notBefore <= clock.now())
  await apply(engine, no)
  assert.equal(engine.ownPair.served?.serial, serial)
})

test('what the authority itself shows is not made again and again under a CA that is of the future', async (t) => {
  const { engine, clock } = await applied(t)
  engine.ownPair.serve(() => {})
  clock.advance(900 * DAY)
  await apply(engine, no)
  clock.advance(-880 * DAY)
  await rotate(engine, { what: 'log', without: [] })
  await apply(engine, no)
  const { serial } = engine.ownPair.served!
  await apply(engine, no)
  assert.equal(engine.ownPair.served?.serial, serial)

  await rotate(engine, { what: 'issuing-ca', without: [] })
  await apply(engine, no)
  assert.ok(engine.store.certificate(engine.ownPair.served!.serial)!.notBefore <= clock.now())
})

test('a clock that is behind by no more than clocks may differ is nothing to tell of', async (t) => {
  const { engine, clock } = await applied(t)
  clock.advance(-engine.config.authority.clockSkew)
  assert.deepEqual(told(engine), [undefined, undefined])
  clock.advance(-1)
  for (const fault of told(engine)) assert.notEqual(fault, undefined)
})
