import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { parseCertificate } from '@datapunk/pki'
import { MAX_NAMES } from '@datapunk/protocol'
import { FixedClock } from '@datapunk/testkit'
import { apply } from './applying/apply.ts'
import type { Engine } from './engine/engine.ts'
import { checkPair, readAsPeer } from './testing/peer-eyes.ts'
import { testEngine } from './testing/test-engine.ts'
import { Pace } from './timing/pace.ts'

const HOUR = 60 * 60 * 1000
const yes = { approve: () => true }

describe('a change of names refuses nobody', () => {
  let dir: string
  let clock: FixedClock
  let engine: Engine

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'names-'))
    clock = new FixedClock(Date.UTC(2026, 5, 1))
    engine = testEngine({ dir, clock, config: { services: { lake: {}, stream: {} } } })
    engine.peers.opened()
    await apply(engine, yes)
  })

  afterEach(() => rmSync(dir, { recursive: true }))

  const rename = (dns_names: readonly string[], ip_addresses: readonly string[] = []) => {
    const config = { services: { lake: { dns_names, ip_addresses }, stream: {} } }
    const next = testEngine({ dir, clock, store: engine.store, config })
    engine = { ...next, peers: engine.peers }
  }

  const serialOf = (instance: string) =>
    engine.store.currentCertificates().find((row) => row.instance === instance)!.serial
  const namesShown = () => {
    const { der } = engine.store.certificate(checkPair(engine, 'lake'))!
    return parseCertificate(der!).extensions.subjectAltName!.dnsNames
  }
  const namesPublished = () => readAsPeer(engine).bundle.members.get('lake')!.dnsNames

  /** A live peer enforces the newest bundle, and speaks with this certificate. */
  const acknowledge = async (instance: string, serial: string) => {
    const { generation, counter } = engine.store.bundle()!
    const number = { generation, counter }
    const trustStatement = engine.store.trustStatements().at(-1)!
    engine.peers.acknowledged(instance, { number, trustStatement, serial, revoked: false })
    const said = { serial, at: clock.now(), document: Uint8Array.of(), leftAt: undefined }
    const row = { instance, ...number, trustStatement, ...said }
    await engine.store.write((transaction) => transaction.putAcknowledgement(row))
  }

  test('a pair with new names serves once every live peer has heard of them', async () => {
    const serial = serialOf('stream')
    engine.peers.arrived({
      ...{ peer: 'stream', service: 'stream', instance: 'stream', version: '1' },
      ...{ serial, revoked: false },
    })
    await acknowledge('stream', serial)
    rename(['l.service.internal'])
    const { failed } = await apply(engine, yes)
    assert.match(failed[0]!.error.message, /lake keeps the pair it has: .* not enforced by stream/)
    assert.ok(namesPublished().includes('l.service.internal'))
    assert.deepEqual(namesShown(), ['lake.service.internal'])

    await acknowledge('stream', serial)
    clock.advance(HOUR)
    await apply(engine, { ...yes, pace: new Pace(clock.now) })
    assert.deepEqual(namesShown(), ['lake.service.internal', 'l.service.internal'])
  })

  test('names that were taken away are accepted until their pair was seen to be replaced', async () => {
    rename(['l.service.internal'])
    await apply(engine, yes)
    const shown = serialOf('lake')
    await acknowledge('lake', shown)
    rename([])
    await apply(engine, yes)
    await acknowledge('lake', shown)
    clock.advance(HOUR)
    await apply(engine, yes)
    assert.deepEqual(namesShown(), ['lake.service.internal'])
    assert.ok(namesPublished().includes('l.service.internal'), 'its process may not have read the new pair')

    await acknowledge('lake', serialOf('lake'))
    await apply(engine, yes)
    assert.deepEqual(namesPublished(), ['lake.service.internal'])
  })

  test('of more names than peers read, those that are wanted stay', async () => {
    // Nobody sees when it has read them.
    await engine.store.write((transaction) =>
      transaction.putDelivery({ instance: 'lake', digest: '', at: clock.now() }),
    )
    for (const change of ['a', 'b', 'c', 'd']) {
      const names = Array.from({ length: 90 }, (_, n) => `${change}${n}.service.internal`)
      rename(names)
      assert.deepEqual((await apply(engine, yes)).failed, [])
      const published = new Set(namesPublished())
      assert.ok(names.every((name) => published.has(name)))
      assert.ok(published.size <= MAX_NAMES)
      clock.advance(HOUR)
    }
    assert.equal(namesPublished().length, MAX_NAMES)
  })

  test('who waits for an issuing CA that may sign for an address is renewed without it', async () => {
    engine.peers.arrived({
      ...{ peer: 'stream', service: 'stream', instance: 'stream', version: '1' },
      ...{ serial: serialOf('stream'), revoked: false },
    })
    await acknowledge('stream', serialOf('stream'))
    const before = serialOf('lake')
    rename([], ['10.0.0.7'])
    await apply(engine, yes)
    assert.equal(serialOf('lake'), before, 'stream does not know the next issuing CA')

    const { notAfter, notBefore } = engine.store.certificate(before)!
    clock.advance(0.9 * (notAfter - notBefore))
    await apply(engine, yes)
    assert.notEqual(serialOf('lake'), before)
    assert.deepEqual(namesShown(), ['lake.service.internal'])
  })
})
