import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { decodePem, parseCertificate, parseCrl, verifyPath } from '@datapunk/pki'
import {
  compareDocumentNumbers,
  type DocumentNumber,
  parseConfig,
  type Report,
  readTrustStatement,
} from '@datapunk/protocol'
import { FixedClock } from '@datapunk/testkit'
import { apply } from '../applying/apply.ts'
import type { Engine } from '../engine/engine.ts'
import { LIVENESS } from '../engine/peer-book.ts'
import { takeInventory } from '../inventory/take-inventory.ts'
import { DRAIN_TIME } from '../planning/lifetimes.ts'
import { plan } from '../planning/plan.ts'
import { previewRotation, rotate } from '../rotation/rotate.ts'
import { rotateAnew } from '../rotation/rotate-pair.ts'
import { testEngine } from '../testing/test-engine.ts'
import { takeStep } from './roll.ts'

const DAY = 24 * 60 * 60 * 1000
const no = { approve: () => false }

describe('a roll-over', () => {
  let dir: string
  let clock: FixedClock
  let engine: Engine

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'roll-'))
    clock = new FixedClock(Date.UTC(2026, 5, 1))
    engine = testEngine({ dir, clock, config: { services: { lake: {}, stream: {} } } })
    engine.peers.opened()
    await apply(engine, no)
    clock.advance(60_000)
    for (const service of ['lake', 'stream']) {
      engine.peers.arrived({ peer: service, service, instance: service, version: '1', ...speaker })
      acknowledge(service)
    }
  })

  afterEach(() => rmSync(dir, { recursive: true }))

  const speaker = { serial: '01', revoked: false }

  const newest = () => {
    const bundle = engine.store.bundle()!
    const trust = engine.store.trustStatements().at(-1)!
    return { bundle, trust }
  }

  const acknowledge = (service: string, number: DocumentNumber = newest().bundle) =>
    engine.peers.acknowledged(service, { number, trustStatement: newest().trust, ...speaker })

  const recordAcknowledgement = (instance: string) => {
    const { bundle, trust } = newest()
    const { generation, counter } = bundle
    return engine.store.write((transaction) =>
      transaction.putAcknowledgement({
        ...{ instance, generation, counter, trustStatement: trust, serial: serialOf(instance) },
        ...{ at: clock.now(), document: new Uint8Array(), leftAt: undefined },
      }),
    )
  }

  const revokedByAudit = () =>
    engine.store.audit(0, 1000).flatMap(({ deed, entry }) => (deed === 'revoked' ? [entry] : []))

  const serialOf = (service: string) =>
    engine.store.currentCertificates().find(({ instance }) => instance === service)!.serial

  const report = (service: string, said: Partial<Report>) => {
    const { generation, counter } = newest().bundle
    engine.peers.reported(service, {
      ...{ serial: serialOf(service), version: '1', connections: [], open: 0, refused: {}, reported: {} },
      bundle: { generation, counter },
      ...said,
    })
  }

  const states = () => Object.fromEntries(engine.store.slots().map(({ id, state }) => [id, state]))
  const reasonListed = (root: string, serial: string) =>
    parseCrl(engine.store.list(root, '')!.der).entries.find(Buffer.from(serial, 'hex'))?.reason
  const waits = () => plan(engine.config, takeInventory(engine), clock.now()).waits
  const currentSlots = () => engine.store.currentCertificates().map(({ slot }) => slot)

  test('of the root goes on where it was cut short before the two roots had vouched for each other', async () => {
    const report = ({ kind }: { kind: string }) =>
      kind === 'root-created' ? assert.fail('the process was killed') : undefined
    const cut = { ...engine, report }
    await assert.rejects(rotate(cut, { what: 'root', without: [] }), /was killed/)
    assert.equal(engine.store.issuedOf('cross').length, 0)
    await apply(engine, no)
    assert.equal(states()['root-2'], 'prepared')
    assert.deepEqual(
      engine.store.issuedOf('cross').map(({ slot }) => slot),
      ['root-1', 'root-2'],
    )
    await apply(engine, no)
    assert.equal(engine.store.issuedOf('cross').length, 2)
  })

  test('of the issuing CA can be begun while another one drains', async () => {
    await rotate(engine, { what: 'issuing-ca', without: [] })
    for (const service of ['lake', 'stream']) acknowledge(service)
    await apply(engine, no)
    assert.equal(states()['issuing-ca-1'], 'retiring')
    await rotate(engine, { what: 'issuing-ca', without: [] })
    assert.deepEqual([states()['issuing-ca-2'], states()['issuing-ca-3']], ['active', 'prepared'])
    await rotate(engine, { what: 'issuing-ca', without: [] })
    assert.equal(states()['issuing-ca-4'], undefined)
  })

  test('leaves somebody out of what retires without another one being begun', async () => {
    await rotate(engine, { what: 'issuing-ca', without: [] })
    for (const service of ['lake', 'stream']) acknowledge(service)
    await apply(engine, no)
    acknowledge('lake')
    await apply(engine, no)
    assert.deepEqual(
      waits().map(({ stage, slot, late }) => [stage, slot, late.map(({ instance }) => instance)]),
      [['drain', 'issuing-ca-1', ['stream']]],
    )
    const request = { what: 'issuing-ca', without: ['stream'] } as const
    assert.deepEqual(previewRotation(engine, request).certificates, [])
    await rotate(engine, request)
    assert.deepEqual([states()['issuing-ca-1'], states()['issuing-ca-3']], ['retired', undefined])
    // There is nothing to leave anybody out of now.
    await rotate(engine, request)
    assert.equal(states()['issuing-ca-3'], 'prepared')
  })

  test('of the issuing CA waits for every live peer, and only then signs; then it drains and is dropped', async () => {
    await takeStep(engine, { kind: 'prepare', slotKind: 'issuing-ca', reason: 'asked for' })
    await apply(engine, no)
    assert.deepEqual(states(), {
      'bundle-key-1': 'active',
      'issuing-ca-1': 'active',
      'issuing-ca-2': 'prepared',
      'log-1': 'active',
      'root-1': 'active',
    })
    assert.equal(readTrustStatement(newest().trust.bytes).issuingCas.length, 2)
    assert.deepEqual(
      waits()[0]!.late.map(({ instance }) => instance),
      ['lake', 'stream'],
    )
    acknowledge('lake')
    await apply(engine, no)
    assert.equal(states()['issuing-ca-2'], 'prepared')
    assert.deepEqual(
      waits()[0]!.late.map(({ instance }) => instance),
      ['stream'],
    )
    acknowledge('stream')
    await apply(engine, no)
    assert.deepEqual([states()['issuing-ca-1'], states()['issuing-ca-2']], ['retiring', 'active'])
    assert.deepEqual(currentSlots(), ['issuing-ca-2', 'issuing-ca-2'])
    assert.equal(waits()[0]?.stage, 'drain')
    acknowledge('lake')
    acknowledge('stream')
    await apply(engine, no)
    assert.equal(states()['issuing-ca-1'], 'retired')
    const { certificate } = engine.store.slots().find(({ id }) => id === 'issuing-ca-1')!
    const { serial } = parseCertificate(certificate!)
    assert.equal(reasonListed('root-1', serial), 'superseded')
    assert.deepEqual(revokedByAudit(), [{ serial, profile: 'issuing-ca', reason: 'superseded' }])
    assert.equal(readTrustStatement(newest().trust.bytes).issuingCas.length, 1)
    assert.equal(engine.keys.has({ id: 'issuing-ca-1', kind: 'issuing-ca' }), false)
    assert.deepEqual(plan(engine.config, takeInventory(engine), clock.now()), {
      ...{ actions: [], waits: [], asks: [], takeAway: [] },
    })
  })

  test('goes on without a peer that leaves, that is left out by name, or that has no valid bundle any more', async () => {
    const prepare = async () => {
      await takeStep(engine, { kind: 'prepare', slotKind: 'issuing-ca', reason: 'asked for' })
      await apply(engine, no)
      acknowledge('lake')
    }
    await prepare()
    engine.peers.left('stream', true)
    await apply(engine, no)
    assert.equal(states()['issuing-ca-2'], 'active')

    engine.peers.arrived({ peer: 'stream', service: 'stream', instance: 'stream', version: '1', ...speaker })
    await prepare()
    assert.equal(states()['issuing-ca-3'], 'prepared')
    const slot = engine.store.slots().find(({ id }) => id === 'issuing-ca-3')!
    await engine.store.write((transaction) => transaction.putSlot({ ...slot, leftOut: ['stream'] }))
    await apply(engine, no)
    assert.equal(states()['issuing-ca-3'], 'active')

    await prepare()
    assert.equal(states()['issuing-ca-4'], 'prepared')
    clock.advance(7 * DAY)
    await apply(engine, no)
    assert.equal(states()['issuing-ca-4'], 'prepared')
    // By a clock that is five minutes late, of a peer that forgives five.
    clock.advance(10 * 60_000)
    await apply(engine, no)
    assert.equal(states()['issuing-ca-4'], 'prepared')
    clock.advance(1)
    await apply(engine, no)
    assert.equal(states()['issuing-ca-4'], 'active')
  })

  test('waits for a peer that fell silent as long as its bundle is valid, and not for one that said goodbye', async () => {
    for (const service of ['lake', 'stream']) await recordAcknowledgement(service)
    engine.peers.left('stream', false)
    clock.advance(LIVENESS + 1)
    await takeStep(engine, { kind: 'prepare', slotKind: 'issuing-ca', reason: 'asked for' })
    await apply(engine, no)
    acknowledge('lake')
    await apply(engine, no)
    assert.equal(states()['issuing-ca-2'], 'prepared')
    assert.deepEqual(
      waits()[0]!.late.map(({ instance }) => instance),
      ['stream'],
    )
    engine.peers.arrived({
      peer: 'stream again',
      service: 'stream',
      instance: 'stream',
      version: '1',
      ...speaker,
    })
    acknowledge('stream again')
    await recordAcknowledgement('stream')
    engine.peers.left('stream again', true)
    await apply(engine, no)
    // The process before it was never seen to end, but what it has is known now.
    assert.equal(states()['issuing-ca-2'], 'active')
  })

  test('waits for a peer that fell silent as long as the bundle that it has is valid, whatever life the next ones are given', async () => {
    await recordAcknowledgement('stream')
    engine.peers.left('stream', false)
    const { expiresAt } = newest().bundle
    const { config } = testEngine({
      ...{ dir, clock, store: engine.store },
      config: {
        authority: { bundle_days: 1, store_ca_keys_in_clear: true },
        services: { lake: {}, stream: {} },
      },
    })
    const shortened = { ...engine, config }
    await rotate(shortened, { what: 'issuing-ca', without: [] })
    let activatedAt = 0
    while (activatedAt === 0) {
      clock.advance(DAY / 4)
      acknowledge('lake')
      await apply(shortened, no)
      if (states()['issuing-ca-2'] === 'active') activatedAt = clock.now()
    }
    assert.ok(activatedAt > expiresAt, 'stream knows no other issuing CA before')
    assert.ok(activatedAt < expiresAt + DAY)
  })

  test('waits until every service is seen to have taken up its new certificate', async () => {
    for (const service of ['lake', 'stream']) await recordAcknowledgement(service)
    await takeStep(engine, { kind: 'prepare', slotKind: 'issuing-ca', reason: 'asked for' })
    await apply(engine, no)
    for (const service of ['lake', 'stream']) acknowledge(service)
    const old = serialOf('stream')
    await apply(engine, no)
    report('lake', {})
    report('stream', { serial: old })
    clock.advance(DRAIN_TIME)
    for (const service of ['lake', 'stream']) acknowledge(service)
    await apply(engine, no)
    assert.equal(states()['issuing-ca-1'], 'retiring')
    assert.deepEqual(waits()[0], {
      ...{ stage: 're-issue', slot: 'issuing-ca-1', until: undefined },
      late: [{ instance: 'stream', reason: 'still shows a certificate of it' }],
    })
    report('stream', {})
    await apply(engine, no)
    assert.equal(states()['issuing-ca-1'], 'retired')
  })

  test('goes on in the same apply once the last certificate that it waited for is there', async () => {
    for (const service of ['lake', 'stream']) engine.peers.left(service, true)
    clock.advance(LIVENESS + 1)
    await rotate(engine, { what: 'pairs', service: 'lake' })
    await rotate(engine, { what: 'back', service: 'lake' })
    await rotate(engine, { what: 'issuing-ca', without: [] })
    assert.deepEqual(
      waits().map(({ stage, late }) => [stage, late.map(({ instance }) => instance)]),
      [['re-issue', ['lake']]],
    )
    await rotate(engine, { what: 'resume', service: 'lake' })
    const { done, waits: left } = await apply(engine, no)
    assert.deepEqual(
      done.map(({ kind }) => kind),
      ['renew', 'retire', 'publish-trust-statement', 'publish-lists'],
    )
    assert.deepEqual([left, (await apply(engine, no)).done], [[], []])
  })

  test('waits while open connections need the old issuing CA, and not for ever', async () => {
    const serial = engine.store.currentCertificates()[0]!.serial
    await takeStep(engine, { kind: 'prepare', slotKind: 'issuing-ca', reason: 'asked for' })
    await apply(engine, no)
    const connections = [{ serial, count: 3 }]
    for (const service of ['lake', 'stream']) acknowledge(service)
    await apply(engine, no)
    for (const service of ['lake', 'stream']) acknowledge(service)
    report('stream', { connections, open: 3 })
    await apply(engine, no)
    assert.match(JSON.stringify(waits()), /stream","reason":"has 3 connections under it/)
    clock.advance(DRAIN_TIME)
    await apply(engine, no)
    assert.equal(states()['issuing-ca-1'], 'retired')
  })

  test('gives what drains five minutes, however many bundles come meanwhile, and whoever sleeps', async () => {
    const serial = engine.store.currentCertificates()[0]!.serial
    await takeStep(engine, { kind: 'prepare', slotKind: 'issuing-ca', reason: 'asked for' })
    await apply(engine, no)
    for (const service of ['lake', 'stream']) acknowledge(service)
    await apply(engine, no)
    const told = engine.store.slots().find(({ id }) => id === 'issuing-ca-1')!.toldIn
    assert.deepEqual(told, { ...numberOf(newest().bundle), at: clock.now() })
    report('stream', { connections: [{ serial, count: 1 }], open: 1 })
    for (const minute of [1, 2, 3, 4]) {
      clock.advance(60_000)
      await rotateAnew(engine, 'lake')
      acknowledge('lake')
      await apply(engine, no)
      assert.equal(states()['issuing-ca-1'], 'retiring', `after ${minute} minutes`)
      assert.equal(waits()[0]?.until, told!.at + DRAIN_TIME)
    }
    clock.advance(60_000)
    await rotateAnew(engine, 'lake')
    await apply(engine, no)
    assert.equal(states()['issuing-ca-1'], 'retired')
  })

  const numberOf = ({ generation, counter }: DocumentNumber) => ({ generation, counter })

  /** Whether the issuing CA in use is the one, by its certificate, that this statement names. */
  const isInUse = (statement: Uint8Array) => {
    const active = engine.store
      .slots()
      .find(({ kind, state }) => kind === 'issuing-ca' && state === 'active')!
    return readTrustStatement(statement).issuingCas.some(
      ({ der }) => Buffer.compare(der, active.certificate!) === 0,
    )
  }

  const giveAddresses = (...ip_addresses: string[]) => {
    const { file } = engine.config
    const services = { lake: { ip_addresses }, stream: {} }
    const certificates = { key_algorithm: 'ecdsa-p256' }
    const text = { authority: { store_ca_keys_in_clear: true }, certificates, services }
    engine = { ...engine, config: parseConfig(JSON.stringify(text), { file }) }
  }

  test('of the issuing CA is not held up by what changes meanwhile, and changes nothing that somebody knows already', async () => {
    giveAddresses('10.0.0.1')
    await apply(engine, no)
    acknowledge('stream')
    const known = newest()
    giveAddresses('10.0.0.1', '10.0.0.2')
    await apply(engine, no)
    acknowledge('lake')
    await apply(engine, no)
    assert.equal(states()['issuing-ca-2'], 'active')
    assert.ok(isInUse(known.trust.bytes))
    assert.equal(states()['issuing-ca-3'], 'prepared')
    for (const service of ['lake', 'stream']) acknowledge(service)
    await apply(engine, no)
    assert.equal(states()['issuing-ca-3'], 'active')
    const { request } = engine.store.currentCertificates().find(({ instance }) => instance === 'lake')!
    assert.match(request, /10\.0\.0\.1.*10\.0\.0\.2/)
  })

  test('of the root waits until everybody knows the certificates that are used, also where a key was known before', async () => {
    await takeStep(engine, { kind: 'prepare', slotKind: 'issuing-ca', reason: 'asked for' })
    await apply(engine, no)
    acknowledge('stream')
    await takeStep(engine, { kind: 'prepare', slotKind: 'root', reason: 'asked for' })
    await apply(engine, no)
    acknowledge('lake')
    await apply(engine, no)
    assert.deepEqual([states()['root-2'], states()['issuing-ca-2']], ['prepared', 'prepared'])
    assert.deepEqual(
      waits()[0]!.late.map(({ instance }) => instance),
      ['stream'],
    )
    acknowledge('stream')
    await apply(engine, no)
    assert.deepEqual([states()['root-2'], states()['issuing-ca-2']], ['active', 'active'])
  })

  test('of the root goes by two cross-signed roots, and leaves one', async () => {
    await takeStep(engine, { kind: 'prepare', slotKind: 'root', reason: 'asked for' })
    await apply(engine, no)
    assert.deepEqual([states()['root-2'], states()['issuing-ca-2']], ['prepared', 'prepared'])
    const both = decodePem(readFileSync(engine.config.paths.caCert), 'CERTIFICATE').map(parseCertificate)
    assert.equal(both.length, 2)
    const cross = engine.store.issuedOf('cross').map(({ der }) => parseCertificate(der!))
    assert.equal(cross.length, 2)

    for (let round = 0; round < 6; round++) {
      for (const service of ['lake', 'stream']) acknowledge(service)
      await apply(engine, no)
    }
    assert.deepEqual(states(), {
      'bundle-key-1': 'active',
      'issuing-ca-1': 'retired',
      'issuing-ca-2': 'active',
      'log-1': 'active',
      'root-1': 'retired',
      'root-2': 'active',
    })
    assert.deepEqual(
      revokedByAudit().map(({ profile }) => profile),
      ['issuing-ca', 'cross'],
    )
    const trust = readTrustStatement(newest().trust.bytes)
    assert.deepEqual(
      trust.roots.map(({ serial }) => serial),
      [both[1]!.serial],
    )
    assert.equal(engine.keys.pathOf({ id: 'root-2', kind: 'root' }), engine.config.paths.caKey)
    // Its word for the one before it is taken back, for whoever goes by lists.
    const vouched = cross.find(({ spki }) => Buffer.compare(spki, both[0]!.spki) === 0)!
    assert.equal(reasonListed('root-2', vouched.serial), 'superseded')
    // Whoever trusts only the first root still gets to the new leaves, by way of what the service shows.
    const shown = decodePem(readFileSync(engine.config.services.get('lake')!.cert), 'CERTIFICATE')
    const [leaf, ...intermediates] = shown.map(parseCertificate)
    const at = clock.now()
    for (const root of both) {
      verifyPath({ leaf: leaf!, intermediates, roots: [root], at, usage: 'serverAuth', maxDepth: 5 })
    }
  })

  test('of the bundle key', async () => {
    await takeStep(engine, { kind: 'prepare', slotKind: 'bundle-key', reason: 'asked for' })
    for (let round = 0; round < 5; round++) {
      await apply(engine, no)
      for (const service of ['lake', 'stream']) acknowledge(service)
    }
    assert.deepEqual([states()['bundle-key-1'], states()['bundle-key-2']], ['retired', 'active'])
    assert.equal(readTrustStatement(newest().trust.bytes).bundleKeys.length, 1)
  })

  test('begins by itself before what a CA signs would outlive it, and numbers only go up', async () => {
    const years = 12
    let before = newest().bundle
    for (let day = 0; day < 365 * years; day += 3) {
      clock.advance(3 * DAY)
      await apply(engine, no)
      for (const service of ['lake', 'stream']) acknowledge(service)
      assert.ok(compareDocumentNumbers(newest().bundle, before) >= 0)
      before = newest().bundle
      const active = engine.store.slots().filter(({ state }) => state === 'active')
      assert.equal(active.length, 4)
      for (const { certificate } of active) {
        if (certificate) assert.ok(parseCertificate(certificate).notAfter > clock.now())
      }
    }
    assert.ok(Object.keys(states()).includes('root-2'))
    assert.ok(Object.keys(states()).filter((id) => id.startsWith('issuing-ca')).length > 4)
  })
})
