import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { createCsr, encodeName, generateKeyPair, localSigner } from '@datapunk/pki'
import { keyIdOf, pinOf } from '@datapunk/protocol'
import { FixedClock } from '@datapunk/testkit'
import { apply } from '../applying/apply.ts'
import type { Engine } from '../engine/engine.ts'
import { AuthorityError } from '../error.ts'
import type { AuthorityEvent } from '../events/event.ts'
import { issueForCsr } from '../issuing/issue-csr.ts'
import { withIssuer } from '../issuing/issue-pair.ts'
import { dueLists } from '../revoked/lists.ts'
import { rotate } from '../rotation/rotate.ts'
import { statusOf } from '../status/status.ts'
import { checkPair, readAsPeer } from '../testing/peer-eyes.ts'
import { Plug, testEngine } from '../testing/test-engine.ts'
import { enforcementOf } from './enforcement.ts'
import { previewRevocation } from './preview.ts'
import { letIn, revoke } from './revoke.ts'
import type { RevokeTarget } from './targets.ts'

const DAY = 24 * 60 * 60 * 1000
const no = { approve: () => false }

describe('revoking', () => {
  let dir: string
  let clock: FixedClock
  let plug: Plug
  let engine: Engine & { readonly events: AuthorityEvent[] }

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'revoke-'))
    clock = new FixedClock(Date.UTC(2026, 5, 1))
    plug = new Plug()
    engine = testEngine({ dir, clock, plug, config: { services: { lake: {}, stream: {} } } })
    await apply(engine, no)
  })

  afterEach(() => rmSync(dir, { recursive: true }))

  const serialOf = (service: string) =>
    engine.store.currentCertificates().find(({ instance }) => instance === service)!.serial
  const listed = (serial: string) => readAsPeer(engine).bundle.revoked.has(serial)
  const superseded = (serial: string) => ({ targets: [{ serial }], reason: 'superseded' as const })

  test('a service revokes all it has, and bars it until somebody lets it in', async () => {
    const first = serialOf('lake')
    await rotate(engine, { what: 'pairs', service: 'lake' })
    const second = serialOf('lake')
    const report = await revoke(engine, { targets: [{ service: 'lake' }], reason: 'key-compromise' })
    assert.deepEqual(
      report.revoked.map(({ serial, service }) => [serial, service]),
      [first, second].map((serial) => [serial, 'lake']),
    )
    assert.deepEqual(
      [report.barred, report.already, listed(first), listed(second)],
      [['lake'], [], true, true],
    )
    for (let round = 0; round < 2; round++) {
      assert.deepEqual((await apply(engine, no)).done, [], '`up` doesn’t undo it')
      clock.advance(DAY / 2)
    }
    assert.equal(statusOf(engine).services.find(({ service }) => service === 'lake')?.barred, true)
    await assert.rejects(rotate(engine, { what: 'pairs', service: 'lake' }), { code: 'SERVICE_BARRED' })
    await letIn(engine, 'lake')
    await apply(engine, no)
    checkPair(engine, 'lake')
    assert.equal(listed(first), true, 'history is kept')
    const audit = engine.store.audit(0, 1000).map(({ deed }) => deed)
    assert.equal(audit.filter((deed) => deed === 'revoked').length, 2)
    assert.ok(audit.includes('barred') && audit.includes('let-in'))
  })

  test('a serial revokes that one, and its instance gets another by itself', async () => {
    const serial = serialOf('lake')
    await revoke(engine, superseded(serial))
    assert.equal(listed(serial), true)
    const { done } = await apply(engine, no)
    assert.deepEqual(
      done.map(({ kind, subject, reason }) => [kind, subject, reason]),
      [['issue', 'lake', `its certificate ${serial} is revoked`]],
    )
    assert.notEqual(checkPair(engine, 'lake'), serial)
    await assert.rejects(rotate(engine, { what: 'back', service: 'lake' }), {
      ...{ code: 'NO_WAY_BACK', message: /is revoked/ },
    })
  })

  test('again changes neither reason nor time, and publishes nothing', async () => {
    const serial = serialOf('lake')
    const { at, bundle } = await revoke(engine, superseded(serial))
    clock.advance(1000)
    const again = await revoke(engine, { targets: [{ serial }], reason: 'cessation-of-operation' })
    assert.deepEqual(again.already, [{ serial, reason: 'superseded', at }])
    assert.deepEqual([again.revoked, again.bundle.counter], [[], bundle.counter])
  })

  test('for a stolen key takes the next key too, whatever became of the certificates before', async () => {
    const nextKey = () => engine.store.nextKeys().find(({ instance }) => instance === 'lake')?.spkiHash
    const before = {
      'another reason': () => revoke(engine, { targets: [{ service: 'lake' }], reason: 'superseded' }),
      'its serial alone': () => revoke(engine, superseded(serialOf('lake'))),
      'they have ended': async () => clock.advance(400 * DAY),
    }
    for (const [what, prepare] of Object.entries(before)) {
      const stolen = nextKey()!
      await prepare()
      const { revoked } = await revoke(engine, { targets: [{ service: 'lake' }], reason: 'key-compromise' })
      assert.deepEqual([revoked, nextKey()], [[], undefined], what)
      assert.equal(readAsPeer(engine).bundle.pins!.of.get('lake')?.has(pinOf(stolen)) ?? false, false, what)
      await letIn(engine, 'lake')
      await apply(engine, no)
      assert.notEqual(engine.store.certificate(checkPair(engine, 'lake'))?.spkiHash, stolen, what)
    }
  })

  test('for a stolen key takes every certificate of that key, and it gets no other', async () => {
    const { privateKey } = await generateKeyPair('ecdsa-p256')
    const signer = localSigner(privateKey)
    const csr = await createCsr({ subject: encodeName({ commonName: 'lake' }), signer })
    const [first, second] = [await issueForCsr(engine, 'lake', csr), await issueForCsr(engine, 'lake', csr)]
    const other = await issueForCsr(engine, 'stream', csr)
    const request = { targets: [{ serial: second.serial }], reason: 'key-compromise' } as const
    const { certificates } = previewRevocation(engine, request)
    const { revoked } = await revoke(engine, request)
    const serials = [first, second, other].map(({ serial }) => serial).sort()
    for (const some of [certificates, revoked])
      assert.deepEqual(some.map(({ serial }) => serial).sort(), serials)
    for (const serial of serials) assert.equal(listed(serial), true)
    const pin = pinOf(keyIdOf(signer.spki))
    for (const service of ['lake', 'stream']) {
      await assert.rejects(issueForCsr(engine, service, csr), { code: 'CSR_INVALID' })
      assert.equal(readAsPeer(engine).bundle.pins!.of.get(service)!.has(pin), false)
    }
  })

  test('for a stolen key takes what else it has, though the certificate that is named was revoked for another reason', async () => {
    const signer = localSigner((await generateKeyPair('ecdsa-p256')).privateKey)
    const csr = await createCsr({ subject: encodeName({ commonName: 'lake' }), signer })
    const [first, second] = [await issueForCsr(engine, 'lake', csr), await issueForCsr(engine, 'lake', csr)]
    await revoke(engine, superseded(first.serial))
    assert.equal(listed(second.serial), false)
    await revoke(engine, { targets: [{ serial: first.serial }], reason: 'key-compromise' })
    assert.equal(listed(second.serial), true)
    await assert.rejects(issueForCsr(engine, 'lake', csr), { code: 'CSR_INVALID' })
  })

  test('for a stolen key certifies it no more, also where nothing was left to revoke', async () => {
    const request = { subject: encodeName({ commonName: 'lake' }) }
    const newCsr = async () =>
      createCsr({ ...request, signer: localSigner((await generateKeyPair('ecdsa-p256')).privateKey) })
    const stolen = (target: RevokeTarget) => revoke(engine, { targets: [target], reason: 'key-compromise' })
    const cases = {
      'revoked before, named by its serial': (serial: string) => ({ serial }),
      'revoked before, with all of its service': () => ({ service: 'lake' }),
      'ended, named by its serial': (serial: string) => ({ serial }),
    }
    for (const [what, named] of Object.entries(cases)) {
      const csr = await newCsr()
      const { serial } = await issueForCsr(engine, 'lake', csr)
      if (what.startsWith('revoked')) await revoke(engine, superseded(serial))
      else clock.advance(engine.store.certificate(serial)!.notAfter - clock.now())
      const preview = previewRevocation(engine, { targets: [named(serial)], reason: 'key-compromise' })
      const { revoked, keys } = await stolen(named(serial))
      const { spkiHash } = engine.store.certificate(serial)!
      assert.ok(keys.includes(spkiHash), what)
      assert.deepEqual(preview.keys, keys, what)
      assert.ok(!revoked.some((one) => one.serial === serial), what)
      await letIn(engine, 'lake')
      await assert.rejects(issueForCsr(engine, 'lake', csr), { code: 'CSR_INVALID' }, what)
      const told = engine.store
        .audit(0, 1000)
        .filter(({ deed, entry }) => deed === 'key-compromised' && entry.spkiHash === spkiHash)
      assert.equal(told.length, 1, what)
      await stolen(named(serial))
      await apply(engine, no)
    }
  })

  test('for a stolen key of a certificate that has ended takes what else it has', async () => {
    const signer = localSigner((await generateKeyPair('ecdsa-p256')).privateKey)
    const csr = await createCsr({ subject: encodeName({ commonName: 'lake' }), signer })
    const first = await issueForCsr(engine, 'lake', csr)
    clock.advance(DAY)
    const second = await issueForCsr(engine, 'lake', csr)
    clock.advance(engine.store.certificate(first.serial)!.notAfter - clock.now())
    const { revoked } = await revoke(engine, {
      targets: [{ serial: first.serial }],
      reason: 'key-compromise',
    })
    assert.deepEqual(revoked, [{ serial: second.serial, service: 'lake' }])
    assert.equal(listed(second.serial), true)
  })

  test('is published though the root, whose own list is due, is away', async () => {
    const authority = { store_ca_keys_in_clear: true, root: { offline: true } }
    engine = testEngine({ dir: join(dir, 'offline'), clock, config: { services: { lake: {} }, authority } })
    await apply(engine, no)
    rmSync(engine.config.paths.caKey)
    clock.advance(200 * DAY)
    assert.ok(dueLists(engine).some(({ slot }) => slot === 'root-1'))
    const serial = serialOf('lake')
    await revoke(engine, superseded(serial))
    assert.equal(listed(serial), true)
    assert.deepEqual(
      dueLists(engine).map(({ slot }) => slot),
      ['root-1'],
    )
  })

  test('an intent revokes what is just being made, and it is never issued', async () => {
    const row = engine.store.currentCertificates()[0]!
    const serial = '12'.repeat(16)
    const { der: _der, state: _state, ...intent } = row
    await engine.store.write((transaction) => transaction.recordIntent({ ...intent, serial }))
    await revoke(engine, { targets: [{ serial }], reason: 'superseded' })
    assert.equal(listed(serial), true)
    await assert.rejects(
      engine.store.write((transaction) => transaction.recordIssued(serial, row.der!)),
      { code: 'NO_INTENT' },
    )
  })

  test('leaves out of the bundle what has ended, and not before every clock says so', async () => {
    const serial = serialOf('lake')
    const { notAfter } = engine.store.certificate(serial)!
    await revoke(engine, superseded(serial))
    clock.advance(notAfter + DAY - 1 - clock.now())
    await apply(engine, no)
    assert.equal(listed(serial), true)
    clock.advance(1)
    await apply(engine, no)
    assert.equal(listed(serial), false)
    assert.equal(engine.store.revocation(serial)?.reason, 'superseded')
  })

  test('of an issuing CA takes the emergency path, and lists it', async () => {
    const slot = engine.store.slots().find(({ kind }) => kind === 'issuing-ca')!
    const { serial } = engine.store.issuedOf('issuing-ca')[0]!
    const before = ['lake', 'stream'].map(serialOf)
    const request = { targets: [{ serial }], reason: 'ca-compromise' } as const
    assert.deepEqual(previewRevocation(engine, request).cas, [slot.id])
    const report = await revoke(engine, request)
    assert.deepEqual(report.failed, [])
    assert.equal(engine.store.slots().find(({ id }) => id === slot.id)?.state, 'compromised')
    assert.equal(engine.store.revocation(serial)?.reason, 'ca-compromise')
    for (const service of ['lake', 'stream']) assert.ok(!before.includes(checkPair(engine, service)))
  })

  test('of what can’t be revoked says why, all of it, and revokes nothing', async () => {
    const root = engine.store.issuedOf('root')[0]!
    const good = serialOf('stream')
    const old = serialOf('lake')
    clock.advance(engine.store.certificate(old)!.notAfter - clock.now())
    await assert.rejects(
      revoke(engine, {
        targets: [
          { service: 'nobody' },
          { serial: '99'.repeat(16) },
          { serial: root.serial },
          { serial: old },
        ],
        reason: 'unspecified',
      }),
      (error: { code: string; data: { faults: string[] } }) => {
        assert.equal(error.code, 'NOT_REVOCABLE')
        const patterns = [/nobody/, /has issued/, /compromise --root-ca/, /ended at/]
        assert.equal(error.data.faults.length, patterns.length)
        for (const [index, pattern] of patterns.entries()) assert.match(error.data.faults[index]!, pattern)
        return true
      },
    )
    assert.equal(engine.store.revocation(good), undefined)
    assert.deepEqual([...engine.store.revoked({ number: 0, time: 0 })], [])
  })

  test('is previewed with what it would cut', async () => {
    const serial = serialOf('lake')
    engine.peers.opened()
    const connections = [{ serial, count: 3 }]
    const report = { serial: '01', version: '1', connections, open: 3, refused: {}, reported: {} }
    const peer = {
      peer: 'p',
      service: 'stream',
      instance: 'stream',
      version: '1',
      serial: '01',
      revoked: false,
    }
    engine.peers.arrived(peer)
    // Who was revoked before is told, and waited for by nobody.
    engine.peers.arrived({ ...peer, peer: 'f', service: 'flow', instance: 'flow', revoked: true })
    engine.peers.reported('p', { ...report, bundle: { generation: 1, counter: 1 } })
    const { cuts, lastOf, bars, peers } = previewRevocation(engine, {
      targets: [{ service: 'lake' }],
      reason: 'superseded',
    })
    assert.deepEqual(cuts, [{ service: 'stream', connections: 3 }])
    assert.deepEqual([lastOf, bars, peers], [['lake'], ['lake'], ['stream']])
    assert.equal(engine.store.revocation(serial), undefined)
  })

  test('with new pairs at once bars nobody, and says so before; who could not be given one has none', async () => {
    const stolen = { reason: 'key-compromise', reissue: true } as const
    const targets = [{ service: 'lake' }, { service: 'stream' }]
    const { bars, reissues, lastOf } = previewRevocation(engine, { ...stolen, targets })
    assert.deepEqual([bars, reissues, lastOf], [[], ['lake', 'stream'], []])
    const makeKeyPair: typeof engine.makeKeyPair = async () => {
      throw new AuthorityError('DISK_FAILED', 'no luck')
    }
    const report = await revoke({ ...engine, makeKeyPair }, { ...stolen, targets: [{ service: 'lake' }] })
    assert.deepEqual([report.barred, report.reissued], [[], []])
    assert.deepEqual(report.failed, [{ instance: 'lake', message: 'no luck' }])
    const { reissued, failed } = await revoke(engine, { ...stolen, targets })
    assert.deepEqual([reissued, failed], [['lake', 'stream'], []])
    checkPair(engine, 'lake')
  })

  test('is waited for by every live peer but the revoked one', async () => {
    const serial = serialOf('lake')
    engine.peers.opened()
    for (const [service, own] of [
      ['lake', serial],
      ['stream', serialOf('stream')],
    ] as const)
      engine.peers.arrived({
        peer: service,
        service,
        instance: service,
        version: '1',
        serial: own,
        revoked: false,
      })
    const { bundle } = await revoke(engine, { targets: [{ service: 'lake' }], reason: 'key-compromise' })
    const early = await enforcementOf(engine, { bundle, wait: 1 })
    assert.deepEqual([early.late, early.enforced], [['stream'], []])
    const waiting = enforcementOf(engine, { bundle, wait: 60_000 })
    const trustStatement = { generation: 1, counter: 1 }
    const by = { serial: serialOf('stream'), revoked: false }
    engine.peers.acknowledged('stream', { number: bundle, trustStatement, ...by })
    const { late, enforced, served } = await waiting
    assert.deepEqual([late, served], [[], true])
    assert.deepEqual(enforced, [{ service: 'stream', instance: 'stream', at: clock.now() }])
  })

  test('never gives out a serial again whose first half is listed', async () => {
    const serial = serialOf('lake')
    await revoke(engine, superseded(serial))
    const half = Buffer.from(serial.replace(/^00/, ''), 'hex').subarray(0, 8)
    let draws = 0
    const { randomBytes } = engine
    const drawing = {
      ...engine,
      randomBytes: (length: number) =>
        length === 16 && draws++ === 0 ? Buffer.concat([half, Buffer.alloc(8, 1)]) : randomBytes(length),
    }
    await withIssuer(drawing, async () => {})
    await apply(drawing, no)
    assert.ok(draws > 1)
    assert.notEqual(serialOf('lake').replace(/^00/, '').slice(0, 16), half.toString('hex'))
    checkPair(engine, 'lake')
  })

  for (const [fault, arm] of Object.entries({
    killed: (at: number) => plug.pullAt(at),
    'disk full': (at: number) => plug.failAt(at, 'ENOSPC'),
    'fails, and is applied': (at: number) => plug.failAppliedAt(at, 'EIO'),
  })) {
    test(`at any step, ${fault}: wholly recorded or not at all, and the next apply publishes it`, async () => {
      let reached = true
      let recorded = 0
      for (let at = 1; reached; at++) {
        const serial = serialOf('lake')
        arm(at)
        const failure = await revoke(engine, {
          targets: [{ service: 'lake' }],
          reason: 'key-compromise',
        }).catch((error: unknown) => error)
        reached = plug.steps >= at
        plug.reset()
        const isBarred =
          engine.store.services().find(({ service }) => service === 'lake')?.barredAt !== undefined
        const isRevoked = engine.store.revocation(serial) !== undefined
        assert.equal(isBarred, isRevoked)
        if (!isRevoked) assert.ok(failure instanceof Error, `step ${at}`)
        else {
          recorded++
          const { code } = failure as { code?: string }
          if (failure instanceof Error)
            assert.ok(code === 'NOT_PUBLISHED' || code === 'STORE_FAILED', `${code}`)
        }
        await apply(engine, no)
        assert.equal(listed(serial), isRevoked, `step ${at}`)
        await letIn(engine, 'lake')
        await apply(engine, no)
        checkPair(engine, 'lake')
      }
      assert.ok(recorded > 5, `${recorded}`)
    })
  }
})
