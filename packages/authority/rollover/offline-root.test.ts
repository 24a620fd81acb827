import assert from 'node:assert/strict'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { decodePem } from '@datapunk/pki'
import { readTrustStatement } from '@datapunk/protocol'
import { FixedClock } from '@datapunk/testkit'
import { apply, planOf } from '../applying/apply.ts'
import type { Engine } from '../engine/engine.ts'
import type { AuthorityEvent } from '../events/event.ts'
import { DRAIN_TIME } from '../planning/lifetimes.ts'
import { targetOf } from '../planning/roll-step.ts'
import { rotate } from '../rotation/rotate.ts'
import { statusOf } from '../status/status.ts'
import { readAsPeer } from '../testing/peer-eyes.ts'
import { testEngine } from '../testing/test-engine.ts'

const DAY = 24 * 60 * 60 * 1000
const no = { approve: () => false }
const services = ['lake', 'stream']

describe('a root that is offline', () => {
  let dir: string
  let safe: string
  let clock: FixedClock
  let engine: Engine & { readonly events: AuthorityEvent[] }

  const engineOf = (offline: boolean) =>
    testEngine({
      ...{ dir, clock },
      config: {
        services: { lake: {}, stream: {} },
        authority: { store_ca_keys_in_clear: true, root: { offline } },
      },
    })

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'offline-'))
    safe = join(dir, 'safe')
    mkdirSync(safe)
    clock = new FixedClock(Date.UTC(2026, 5, 1))
    engine = engineOf(true)
    engine.peers.opened()
    await apply(engine, no)
    clock.advance(60_000)
    for (const service of services)
      engine.peers.arrived({ peer: service, service, instance: service, version: '1', ...speaker })
    acknowledge()
  })

  afterEach(() => rmSync(dir, { recursive: true }))

  const speaker = { serial: '01', revoked: false }

  const acknowledge = () => {
    const trust = engine.store.trustStatements().at(-1)!
    for (const service of services)
      engine.peers.acknowledged(service, {
        number: engine.store.bundle()!,
        trustStatement: trust,
        ...speaker,
      })
  }

  /** Applies until there is nothing more to do without somebody's hand. */
  const settle = async () => {
    for (let round = 0; round < 8; round++) {
      acknowledge()
      await apply(engine, no)
      clock.advance(DRAIN_TIME)
    }
    acknowledge()
    return apply(engine, no)
  }

  const seat = () => engine.config.paths.caKey
  const own = (id: string) => join(engine.layout.authority.keys, `${id}.key`)
  const takeAway = () => {
    const places = statusOf(engine).takeAway
    for (const { slot, path } of places) renameSync(path, join(safe, slot))
    return places.map(({ slot }) => slot)
  }
  const bring = () => {
    const keys = statusOf(engine).asks.flatMap((ask) => ask.keys)
    for (const { slot, path } of new Map(keys.map((key) => [key.slot, key])).values())
      renameSync(join(safe, slot), path)
  }
  const asked = () =>
    statusOf(engine).asks.map(
      ({ step, keys }) =>
        `${step.kind === 'prepare' ? step.slotKind : step.kind}: ${keys.map(({ path }) => basename(path))}`,
    )
  const states = () => Object.fromEntries(engine.store.slots().map(({ id, state }) => [id, state]))

  test('is founded with its key, which is to be taken away; without it the mesh goes on', async () => {
    assert.deepEqual(takeAway(), ['root-1'])
    assert.equal(existsSync(seat()), false)
    clock.advance(DAY)
    const { done, asks } = await apply(engine, no)
    assert.deepEqual([done.map(({ kind }) => kind), asks], [['publish'], []])
    assert.deepEqual(takeAway(), [])
  })

  test('is missed where nobody has said that it may be away', async () => {
    takeAway()
    const strict = engineOf(false)
    await assert.rejects(apply({ ...engine, config: strict.config }, no), {
      code: 'KEY_MISSING',
      message: /authority\.root\.offline: true/,
    })
  })

  test('has to be the right one where one is there', async () => {
    takeAway()
    copyFileSync(own('issuing-ca-1'), seat())
    await assert.rejects(apply(engine, no), { code: 'KEY_MISMATCH' })
  })

  test('is asked for by the name of the root whose key lies in its place', async () => {
    copyFileSync(seat(), join(safe, 'dropped'))
    await rotate(engine, { what: 'compromised', kind: 'root' })
    takeAway()
    copyFileSync(join(safe, 'dropped'), seat())
    const instead = { slot: 'root-2', path: seat(), instead: 'root-1' }
    await assert.rejects(rotate(engine, { what: 'log', without: [] }), {
      code: 'ROOT_KEY_NEEDED',
      message: /the key of root-2 at .*ca\.key, where that of root-1 lies instead, and it is away/,
      data: { keys: [instead] },
    })
    clock.advance(2 * 365 * DAY)
    await settle()
    assert.deepEqual(statusOf(engine).asks[0]?.keys, [instead])
    rmSync(seat())
    assert.deepEqual(statusOf(engine).asks[0]?.keys, [{ slot: 'root-2', path: seat() }])
  })

  test('signs the next issuing CA when its key is brought, and twice is enough', async () => {
    takeAway()
    clock.advance(2 * 365 * DAY)
    await settle()
    assert.deepEqual(asked()[0], 'issuing-ca: ca.key')
    const [ask] = statusOf(engine).asks
    const { notAfter } = statusOf(engine).cas.find(({ slot }) => slot === 'issuing-ca-1')!
    assert.equal(ask?.until, notAfter)
    assert.equal(states()['issuing-ca-2'], undefined)

    bring()
    acknowledge()
    await apply(engine, no)
    assert.equal(states()['issuing-ca-2'], 'prepared')
    assert.deepEqual(takeAway(), ['root-1'])

    await settle()
    assert.deepEqual([states()['issuing-ca-1'], states()['issuing-ca-2']], ['retired', 'active'])
    // What signs no more is destroyed at once, though the statement without it has to wait.
    assert.equal(existsSync(own('issuing-ca-1')), false)
    assert.deepEqual(asked(), ['publish-trust-statement: ca.key', 'publish-lists: ca.key'])
    assert.equal(statusOf(engine).asks[0]?.until, undefined)
    // What it had revoked stays on a list until the root's says that it is gone.
    const listed = () => decodePem(readFileSync(engine.config.paths.crl), 'X509 CRL')
    assert.equal(listed().length, 3)

    bring()
    await settle()
    assert.equal(listed().length, 2)
    assert.deepEqual([asked(), takeAway()], [[], ['root-1']])
    const newest = readTrustStatement(engine.store.trustStatements().at(-1)!.bytes)
    assert.equal(newest.issuingCas.length, 1)
    assert.ok(engine.store.currentCertificates().every(({ slot }) => slot === 'issuing-ca-2'))
  })

  for (const [left, taken] of [
    ['with both keys away', ['root-1', 'root-2']],
    ['with the next one’s key away, and its own left in its seat', ['root-2']],
    ['with its own key away, and the next one’s left', ['root-1']],
  ] as const) {
    test(`goes over to the next root ${left}`, async () => {
      await rotate(engine, { what: 'root', without: [] })
      assert.deepEqual(
        statusOf(engine).takeAway.map(({ slot }) => slot),
        ['root-1', 'root-2'],
      )
      for (const { slot, path } of statusOf(engine).takeAway)
        if ((taken as readonly string[]).includes(slot)) renameSync(path, join(safe, slot))

      await settle()
      assert.deepEqual([states()['root-1'], states()['root-2']], ['retired', 'active'])
      const missing = taken.map((slot) => (slot === 'root-2' ? 'ca.key' : 'root-1.key'))
      const lists = taken.some((slot) => slot === 'root-2') ? ['publish-lists: ca.key'] : []
      assert.deepEqual(asked(), [`publish-trust-statement: ${missing}`, ...lists])
      const retired = engine.events
        .filter((event) => event.kind === 'key-retired')
        .find(({ detail }) => detail.slot === 'root-1')
      assert.match(retired?.detail.reason ?? '', /copies elsewhere are for you to destroy/)

      bring()
      await settle()
      const newest = readTrustStatement(engine.store.trustStatements().at(-1)!.bytes)
      assert.equal(newest.roots.length, 1)
      assert.equal(existsSync(own('root-1')), false)
      assert.deepEqual(takeAway(), ['root-2'])
      assert.equal(existsSync(seat()), false)
      await apply(engine, no)
    })
  }

  test('leaves its seat also where a crash came right after the next one took over', async () => {
    await rotate(engine, { what: 'root', without: [] })
    renameSync(own('root-2'), join(safe, 'root-2'))
    await engine.store.write((transaction) => {
      const at = clock.now()
      for (const slot of transaction.slots().filter(({ kind }) => kind !== 'bundle-key'))
        transaction.putSlot({ ...slot, state: slot.state === 'active' ? 'retiring' : 'active', since: at })
    })
    await apply(engine, no)
    assert.deepEqual([existsSync(seat()), existsSync(own('root-1'))], [false, true])
  })

  test('a roll-over or an emergency that needs its key is refused before anything changes', async () => {
    takeAway()
    const before = [engine.store.slots(), engine.store.audit(0, 1000)]
    for (const kind of ['root', 'issuing-ca', 'bundle-key'] as const) {
      for (const request of [
        { what: kind, without: [] },
        { what: 'compromised', kind },
      ] as const) {
        await assert.rejects(rotate(engine, request), {
          code: 'ROOT_KEY_NEEDED',
          message: new RegExp(`the key of root-1 at ${seat()}.*nothing was changed`),
          data: { keys: [{ slot: 'root-1', path: seat() }] },
        })
      }
    }
    assert.deepEqual([engine.store.slots(), engine.store.audit(0, 1000)], before)
    renameSync(join(safe, 'root-1'), seat())
    await rotate(engine, { what: 'compromised', kind: 'root' })
    assert.deepEqual([states()['root-1'], states()['root-2']], ['compromised', 'active'])
  })

  test('a roll-over that is under way can be told whom to leave behind without it', async () => {
    await rotate(engine, { what: 'issuing-ca', without: [] })
    takeAway()
    await rotate(engine, { what: 'issuing-ca', without: services })
    assert.equal(states()['issuing-ca-2'], 'active')
  })

  test('a service that needs another issuing CA waits, and the others do not', async () => {
    takeAway()
    const authority = {
      ...{ store_ca_keys_in_clear: true, root: { offline: true } },
      extra_domains: ['example.org'],
    }
    const wider = { lake: { dns_names: ['lake.example.org'] }, stream: { min_tls: '1.2' } }
    const { config } = testEngine({ dir, clock, config: { services: wider, authority } })
    engine = { ...engine, config }
    const { asks } = await apply(engine, { approve: () => true })
    assert.deepEqual(
      asks.map(({ step, until }) => [targetOf(step), until]),
      [['issuing-ca', undefined]],
    )
    assert.deepEqual(planOf(engine).actions, [])
    assert.equal(readAsPeer(engine).bundle.members.get('stream')?.minTls, '1.2')
    const newest = () => engine.store.currentCertificates().find(({ instance }) => instance === 'lake')!
    assert.equal(newest().slot, 'issuing-ca-1')
    bring()
    await settle()
    assert.equal(newest().slot, 'issuing-ca-2')
    assert.match(newest().request, /lake\.example\.org/)
  })
})
