import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { type CheckedCrl, checkCrl, checkDelta, combine, decodePem, parseCrl } from '@datapunk/pki'
import { MAX_GENERATION } from '@datapunk/protocol'
import { FixedClock } from '@datapunk/testkit'
import { apply } from '../applying/apply.ts'
import { caCertificate } from '../engine/ca-certificate.ts'
import type { Engine } from '../engine/engine.ts'
import { nextDue } from '../inventory/due.ts'
import { revoke } from '../revocation/revoke.ts'
import { MemoryStore } from '../store/memory.ts'
import { testEngine } from '../testing/test-engine.ts'
import { DELTA, leafListUrl, listAt, shardOf, WHOLE } from './list-url.ts'

const DAY = 24 * 60 * 60 * 1000
const no = { approve: () => false }

describe('lists of an issuing CA', () => {
  let dir: string
  const clock = new FixedClock(Date.UTC(2026, 5, 1))
  const store = { now: new MemoryStore() }

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'lists-'))
    store.now = new MemoryStore()
  })
  afterEach(() => rmSync(dir, { recursive: true }))

  const engineOf = (revocation: object, authority: object = {}) =>
    testEngine({
      ...{ dir, clock, store: store.now },
      config: {
        services: { lake: {}, stream: {}, nexus: {} },
        authority: { store_ca_keys_in_clear: true, ...authority },
        revocation,
      },
    })
  const slotOf = ({ store }: Engine) => store.slots().find(({ kind }) => kind === 'issuing-ca')!
  const serialOf = ({ store }: Engine, service: string) =>
    store.currentCertificates().find(({ instance }) => instance === service)!.serial
  const octets = (serial: string) => Buffer.from(serial, 'hex')
  const revokeOne = (engine: Engine, serial: string) =>
    revoke(engine, { targets: [{ serial }], reason: 'superseded' })
  const served = ({ store }: Engine, url: string) => {
    const { slot, scope } = listAt(store, new URL(url).pathname)!
    return parseCrl(store.list(slot, scope)!.der)
  }
  const issuerOf = (engine: Engine) => caCertificate(slotOf(engine).certificate!)
  const whole = (engine: Engine): CheckedCrl =>
    checkCrl(parseCrl(engine.store.list(slotOf(engine).id, WHOLE)!.der), {
      issuer: issuerOf(engine),
      at: clock.now(),
    })
  const shard = (engine: Engine, uri: string): CheckedCrl =>
    checkCrl(served(engine, uri), {
      ...{ issuer: issuerOf(engine), at: clock.now() },
      scope: { uri, onlyContains: 'user-certificates' },
    })
  const delta = (engine: Engine) =>
    checkDelta(parseCrl(engine.store.list(slotOf(engine).id, DELTA)!.der), {
      ...{ issuer: issuerOf(engine), at: clock.now() },
    })

  test('have numbers above all of an earlier generation, up to the last', async () => {
    const engine = engineOf({})
    await apply(engine, no)
    const before = whole(engine).number
    await engine.store.write((transaction) => transaction.changeMesh({ generation: MAX_GENERATION }))
    await revokeOne(engine, serialOf(engine, 'lake'))
    assert.equal(whole(engine).number, BigInt(MAX_GENERATION * 2 ** 32 + 1))
    await revokeOne(engine, serialOf(engine, 'stream'))
    assert.equal(whole(engine).number, BigInt(MAX_GENERATION * 2 ** 32 + 2))
    assert.ok(before < 2 ** 33 && Number.isSafeInteger((MAX_GENERATION + 1) * 2 ** 32))
  })

  test('are whole, unless the config says otherwise', async () => {
    const engine = engineOf({})
    await apply(engine, no)
    assert.deepEqual(
      engine.store.lists().map(({ scope }) => scope),
      ['', ''],
    )
    // From their beginning, which lies before now.
    const days = engine.store.lists().map(({ thisUpdate, nextUpdate }) => (nextUpdate - thisUpdate) / DAY)
    assert.deepEqual(days.sort(), [365, engine.config.revocation.crlDays])
    const url = leafListUrl(engine.config, slotOf(engine), serialOf(engine, 'lake'))!
    assert.equal(new URL(url).pathname, `/crl/${slotOf(engine).spkiHash.slice(0, 16)}.crl`)
    assert.equal(served(engine, url).scope, undefined)
    const nowhere = { ...engine.config, authority: { ...engine.config.authority, publicUrl: undefined } }
    assert.equal(leafListUrl(nowhere, slotOf(engine), '01'), undefined)
    for (const path of ['/crl/', '/crl/x.crl', '/crl/0123456789abcdef.crl', `${new URL(url).pathname}/..`]) {
      assert.equal(listAt(engine.store, path), undefined)
    }
  })

  test('in shards: each certificate is in the one that it names, and only that one is made anew', async () => {
    const engine = engineOf({ shards: 256 })
    await apply(engine, no)
    const serials = ['lake', 'stream', 'nexus'].map((service) => serialOf(engine, service))
    const [lake] = serials
    const numbers = () =>
      new Map(engine.store.lists().map(({ slot, scope, number }) => [`${slot} ${scope}`, number]))
    const before = numbers()
    assert.equal(before.size, 2 + 256)
    await revokeOne(engine, lake!)
    const changed = [...numbers()].filter(([scope, number]) => before.get(scope) !== number)
    const { id } = slotOf(engine)
    assert.deepEqual(changed.map(([scope]) => scope).sort(), [
      `${id} `,
      `${id} ${shardOf(engine.config, lake!)}`,
    ])
    for (const serial of serials) {
      const list = shard(engine, leafListUrl(engine.config, slotOf(engine), serial)!)
      assert.equal(list.statusOf(octets(serial), clock.now()).revoked, serial === lake)
    }
    assert.equal(whole(engine).statusOf(octets(lake!), clock.now()).revoked, true)
    const inFile = decodePem(readFileSync(engine.config.paths.crl), 'X509 CRL').map((der) => parseCrl(der))
    assert.deepEqual(
      inFile.map(({ scope, base }) => [scope, base]),
      [
        [undefined, undefined],
        [undefined, undefined],
      ],
    )
  })

  test('in shards of before live on where they were, when the number of shards or the place is another', async () => {
    const first = engineOf({ shards: 4 })
    await apply(first, no)
    const lake = serialOf(first, 'lake')
    const url = leafListUrl(first.config, slotOf(first), lake)!
    for (const later of [
      engineOf({ shards: 16 }),
      engineOf({ shards: 16 }, { public_url: 'http://crl.example:80' }),
      engineOf({}),
    ]) {
      await apply(later, no)
      const own = leafListUrl(later.config, slotOf(later), lake)!
      assert.notEqual(own, url)
      assert.equal(shard(later, url).statusOf(octets(lake), clock.now()).revoked, false)
    }
    const last = engineOf({})
    await revokeOne(last, lake)
    assert.equal(shard(last, url).statusOf(octets(lake), clock.now()).revoked, true)
    clock.advance(5 * DAY)
    await apply(last, no)
    assert.equal(shard(last, url).statusOf(octets(lake), clock.now()).revoked, true, 'made anew in time')
    assert.ok(nextDue(last, []) > clock.now())
  })

  test('with deltas: an earlier list and the delta of now say what the list of now says', async () => {
    const engine = engineOf({ deltas: true })
    await apply(engine, no)
    const earlier = [whole(engine)]
    for (const service of ['lake', 'stream', 'nexus']) {
      const serial = serialOf(engine, service)
      await revokeOne(engine, serial)
      const now = whole(engine)
      for (const list of earlier) {
        const combined = combine(list, delta(engine))
        assert.deepEqual([combined.number, combined.thisUpdate], [now.number, now.thisUpdate])
        for (const { serial } of now.lists[0].entries) {
          assert.deepEqual(combined.statusOf(serial, clock.now()), now.statusOf(serial, clock.now()))
        }
      }
      assert.equal(now.statusOf(octets(serial), clock.now()).revoked, true)
      const [freshest] = now.lists[0].freshest
      assert.deepEqual(served(engine, freshest!).der, delta(engine).crl.der)
      earlier.push(now)
    }
    assert.equal(delta(engine).crl.base, earlier[0]!.number)
  })

  test('with deltas: the base is another once it has ended, and no longer wanted they go with it', async () => {
    const engine = engineOf({ deltas: true })
    await apply(engine, no)
    const first = whole(engine)
    clock.advance(4 * DAY)
    await apply(engine, no)
    assert.equal(delta(engine).crl.base, first.number)
    const renewed = whole(engine)
    clock.advance(4 * DAY)
    await apply(engine, no)
    assert.equal(delta(engine).crl.base, renewed.number)
    const plain = engineOf({})
    await revokeOne(plain, serialOf(plain, 'lake'))
    assert.deepEqual(whole(plain).lists[0].freshest, [])
    assert.equal(
      combine(renewed, delta(plain)).statusOf(octets(lastRevoked(plain)), clock.now()).revoked,
      true,
    )
    const last = delta(plain).crl.number
    clock.advance(8 * DAY)
    await apply(plain, no)
    assert.equal(parseCrl(plain.store.list(slotOf(plain).id, DELTA)!.der).number, last)
  })

  test('made when the clock is right again names what had ended by the one that was ahead', async () => {
    const engine = engineOf({ deltas: true, shards: 4 })
    await apply(engine, no)
    const lake = serialOf(engine, 'lake')
    const url = leafListUrl(engine.config, slotOf(engine), lake)!
    await revokeOne(engine, lake)
    clock.advance(400 * DAY)
    await apply(engine, no)
    clock.advance(-399 * DAY)
    await revokeOne(engine, serialOf(engine, 'stream'))
    for (const list of [whole(engine), shard(engine, url)])
      assert.equal(list.statusOf(octets(lake), clock.now()).revoked, true)
  })
})

function lastRevoked({ store }: Engine): string {
  return [...store.revoked({ number: 0, time: 0 })].at(-1)!.serial
}
