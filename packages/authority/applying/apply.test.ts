import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  cpSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { decodePem, parseCertificate, parseCrl } from '@datapunk/pki'
import { FixedClock } from '@datapunk/testkit'
import { Disk } from '../disk/disk.ts'
import { AuthorityError, type AuthorityErrorCode } from '../error.ts'
import { issueForCsr } from '../issuing/issue-csr.ts'
import { enforcementOf } from '../revocation/enforcement.ts'
import { revoke } from '../revocation/revoke.ts'
import { takeStep } from '../rollover/roll.ts'
import { purge } from '../state/purge.ts'
import { statusOf } from '../status/status.ts'
import { MemoryStore } from '../store/memory.ts'
import { checkPair, readAsPeer } from '../testing/peer-eyes.ts'
import { Plug, testEngine } from '../testing/test-engine.ts'
import { type ApplyReport, apply, planOf } from './apply.ts'

const DAY = 24 * 60 * 60 * 1000
const folders: string[] = []
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mtls-apply-'))
  folders.push(folder)
  return folder
}

const yes = { approve: () => true }
const no = { approve: () => false }
const services = { lake: {}, stream: {} }

function assertDone(report: ApplyReport): void {
  assert.deepEqual(report.failed, [])
}

async function refuses(code: AuthorityErrorCode, act: () => unknown): Promise<void> {
  await assert.rejects(
    async () => act(),
    (error) => error instanceof AuthorityError && error.code === code,
  )
}

describe('apply', () => {
  test('makes a mesh that a peer believes from its files alone; a second one does nothing', async () => {
    const engine = testEngine({ dir: temporaryFolder(), config: { services } })
    assertDone(await apply(engine, no))
    const { bundle } = readAsPeer(engine)
    assert.deepEqual([...bundle.members.keys()], ['lake', 'stream'])
    const serials = [checkPair(engine, 'lake'), checkPair(engine, 'stream')]
    const events = engine.events.length
    const again = await apply(engine, no)
    assert.deepEqual([again.done, again.declined, again.failed], [[], [], []])
    assert.equal(engine.events.length, events)
    assert.deepEqual([checkPair(engine, 'lake'), checkPair(engine, 'stream')], serials)
  })

  test('writes an audit entry for every deed, without key material', async () => {
    const engine = testEngine({ dir: temporaryFolder(), config: { services } })
    await apply(engine, no)
    const audit = engine.store.audit(0, 1000)
    const deeds = audit.map(({ deed }) => deed)
    for (const deed of [
      'mesh-created',
      'key-created',
      'issued',
      'trust-statement-published',
      'add-service',
    ]) {
      assert.ok(deeds.includes(deed as (typeof deeds)[number]), deed)
    }
    assert.equal(deeds.filter((deed) => deed === 'issued').length, 4)
    assert.ok(!JSON.stringify(audit).includes('PRIVATE'))
  })

  test('tells in the audit what a change of the config has changed', async () => {
    const dir = temporaryFolder()
    const first = testEngine({ dir, config: { services } })
    await apply(first, no)
    const stricter = { services: { ...services, lake: { allow: ['stream'] } } }
    const second = testEngine({ dir, config: stricter, store: first.store })
    await apply(second, yes)
    const rows = second.store.audit(0, 1000).filter(({ deed }) => deed === 'change-callers')
    assert.deepEqual(
      rows.map(({ entry }) => [entry.service, entry.changes]),
      [['lake', { allow: { from: 'members', to: ['stream'] } }]],
    )
  })

  test('tells in the audit what a change of the config has changed of the mesh as a whole, once', async () => {
    const dir = temporaryFolder()
    const store = new MemoryStore()
    await apply(testEngine({ dir, store, config: { services } }), no)
    const authority = { store_ca_keys_in_clear: true }
    const changed = () =>
      store.audit(0, 1000).flatMap(({ deed, entry }) => (deed === 'config-changed' ? [entry.changes] : []))
    assert.deepEqual(changed(), [])
    const second = testEngine({
      ...{ dir, store },
      config: {
        services,
        authority: { ...authority, bundle_days: 30, listen: '0.0.0.0:7443' },
        revocation: { crl_days: 30 },
        rotation: { keep_previous: '2d' },
        operators: { alice: { read_only: true } },
      },
    })
    const alice = { read_only: true, validity_days: 90 }
    const difference = {
      'authority.bundle_days': { from: 7, to: 30 },
      'authority.listen': { from: null, to: '0.0.0.0:7443' },
      'operators.alice': { from: null, to: alice },
      'revocation.crl_days': { from: 7, to: 30 },
      'rotation.keep_previous': { from: '86400s', to: '172800s' },
    }
    await apply(second, no)
    assert.deepEqual(changed(), [difference])
    const { size } = store.auditTree()
    await apply(second, no)
    assert.equal(store.auditTree().size, size)

    const third = { services, authority, operators: { alice: {} } }
    await apply(testEngine({ dir, store, config: third }), no)
    const [, back] = changed() as [unknown, Record<string, unknown>]
    const now = { ...alice, read_only: false }
    assert.deepEqual(back['operators.alice'], { from: alice, to: now })
    assert.deepEqual(back['authority.bundle_days'], { from: 30, to: 7 })
    await apply(testEngine({ dir, store, config: { services, authority } }), no)
    assert.deepEqual(changed().at(-1), { 'operators.alice': { from: now, to: null } })
  })

  test('takes what the config says of the mesh for no change where that was not on record yet', async () => {
    const engine = testEngine({ dir: temporaryFolder(), config: { services } })
    await apply(engine, no)
    const { store } = engine
    const { settings } = store.mesh()!
    await store.write((transaction) => transaction.changeMesh({ settings: undefined }))
    const { size } = store.auditTree()
    await apply(engine, no)
    assert.deepEqual([store.mesh()?.settings, store.auditTree().size], [settings, size])
  })

  test('tells in each bundle what the audit was, and publishes none because the audit grew', async () => {
    const engine = testEngine({ dir: temporaryFolder(), config: { services } })
    await apply(engine, no)
    const { audit } = readAsPeer(engine).bundle
    const { store } = engine
    const checkpoints = store.auditCheckpoints()
    const checkpoint = checkpoints.at(-1)
    assert.deepEqual(
      checkpoints.map(({ generation, counter }) => [generation, counter]),
      [
        [1, 1],
        [1, 2],
      ],
    )
    assert.equal(Buffer.compare(checkpoint!.root, audit!.root), 0)
    const before = store.audit(0, 1000).findLastIndex(({ deed }) => deed === 'bundle-published')
    assert.deepEqual([checkpoint?.size, audit?.size], [before, before])
    assert.ok(store.auditTree().size > before)
    assert.deepEqual(planOf(engine).actions, [])
  })

  test('takes back the certificates of a service that has left, which comes back with another', async () => {
    const dir = temporaryFolder()
    const engine = testEngine({ dir, config: { services } })
    await apply(engine, no)
    const { store } = engine
    const [left] = store.currentCertificates().filter(({ instance }) => instance === 'stream')
    const without = testEngine({ dir, store, config: { services: { lake: {} } } })
    await apply(without, yes)
    assert.equal(store.revocation(left!.serial)?.reason, 'cessation-of-operation')
    const { entries } = parseCrl(store.list('issuing-ca-1', '')!.der)
    assert.equal(entries.find(Buffer.from(left!.serial, 'hex'))?.reason, 'cessationOfOperation')
    assert.deepEqual(planOf(without).actions, [])
    const again = testEngine({ dir, store, config: { services } })
    assert.deepEqual((await apply(again, no)).failed, [])
    const [back] = store.currentCertificates().filter(({ instance }) => instance === 'stream')
    assert.notEqual(back!.serial, left!.serial)
    checkPair(again, 'stream')
  })

  test('is done at once with a service that takes over the names of another', async () => {
    const dir = temporaryFolder()
    const engine = testEngine({ dir, config: { services } })
    await apply(engine, no)
    const { store } = engine
    const [left] = store.currentCertificates().filter(({ instance }) => instance === 'lake')
    const pond = { common_name: 'lake.service.internal' }
    const renamed = testEngine({ dir, store, config: { services: { pond, stream: {} } } })
    const { done } = await apply(renamed, yes)
    assert.equal(done[0]?.kind, 'rename-service')
    const { entries } = parseCrl(store.list('issuing-ca-1', '')!.der)
    assert.equal(entries.find(Buffer.from(left!.serial, 'hex'))?.reason, 'cessationOfOperation')
    assert.deepEqual(planOf(renamed).actions, [])
  })

  test('takes away nothing from a service whose name a new one takes over', async () => {
    const dir = temporaryFolder()
    const engine = testEngine({ dir, config: { services } })
    await apply(engine, no)
    const { store } = engine
    const [before] = store.currentCertificates().filter(({ instance }) => instance === 'lake')
    const lake = { common_name: 'l.service.internal' }
    const pond = { common_name: 'lake.service.internal' }
    const next = testEngine({ dir, store, config: { services: { lake, pond, stream: {} } } })
    assertDone(await apply(next, yes))
    assert.deepEqual(
      store.services().map(({ service, state }) => [service, state]),
      [
        ['lake', 'member'],
        ['pond', 'member'],
        ['stream', 'member'],
      ],
    )
    assert.equal(store.revocation(before!.serial), undefined)
  })

  test('waits for nobody who has left, from the moment it is on record', async () => {
    const dir = temporaryFolder()
    const engine = testEngine({ dir, config: { services } })
    await apply(engine, no)
    const { store, peers } = engine
    for (const { serial, instance } of store.currentCertificates()) {
      const speaker = { service: instance!, instance: instance!, serial, revoked: false }
      peers.arrived({ peer: `a ${instance}`, version: '1', ...speaker })
    }
    const late = () => peers.lateFor(store.bundle()!).map(({ service }) => service)
    assert.deepEqual(late(), ['lake', 'stream'])
    const told: string[][] = []
    peers.onChange(() => void told.push(late()))
    const without = { ...testEngine({ dir, store, config: { services: { lake: {} } } }), peers }
    assertDone(await apply(without, yes))
    assert.deepEqual(told, [['lake']])
    const { late: waitedFor } = await enforcementOf(without, { bundle: store.bundle()!, wait: 0 })
    assert.deepEqual(waitedFor, ['lake'])
  })

  test('does the safe part alone where the destructive part is declined', async () => {
    const dir = temporaryFolder()
    const first = testEngine({ dir, config: { services } })
    await apply(first, no)
    const store = first.store
    const second = testEngine({ dir, store, config: { services: { stream: {}, nexus: {} } } })
    const report = await apply(second, no)
    assert.deepEqual(
      report.declined.map(({ kind, subject }) => `${kind} ${subject}`),
      ['remove-service lake'],
    )
    assert.deepEqual([...readAsPeer(second).bundle.members.keys()], ['lake', 'nexus', 'stream'])
    await apply(second, yes)
    assert.deepEqual([...readAsPeer(second).bundle.members.keys()], ['nexus', 'stream'])
    checkPair(second, 'lake')
    const { dir: folder } = second.layout.instance('lake')
    assert.ok((await purge(second)).includes(folder))
    assert.deepEqual(await purge(second), [])
    const purged = store.audit(0, 1000).flatMap(({ deed, entry }) => (deed === 'files-purged' ? [entry] : []))
    assert.deepEqual(purged, [{ service: 'lake', instance: 'lake', dir: folder }])
    assert.equal(new Disk().kindOf(first.config.services.get('lake')!.cert), undefined)
    assertDone(await apply(testEngine({ dir, store, config: { services: { ...services, nexus: {} } } }), no))
    checkPair(second, 'lake')
  })

  test('accepts the old subject beside the new one until the old leaves are gone', async () => {
    const dir = temporaryFolder()
    const clock = new FixedClock(Date.UTC(2026, 5, 1))
    const first = testEngine({ dir, clock, config: { services } })
    await apply(first, no)
    const store = first.store
    const certificates = { key_algorithm: 'ecdsa-p256', organization: 'Datapunk Ltd' }
    const second = testEngine({ dir, clock, store, config: { services, certificates } })
    await apply(second, no)
    const subjects = () =>
      readAsPeer(second)
        .bundle.members.get('lake')
        ?.subjects.map((one) => one.organization)
    assert.deepEqual(subjects(), ['Datapunk Ltd', 'Datapunk'])
    clock.advance(365 * DAY)
    await apply(second, no)
    assert.deepEqual(subjects(), ['Datapunk Ltd'])
  })

  test('lets two services swap their names', async () => {
    const dir = temporaryFolder()
    const named = (lake: string, stream: string) => ({
      services: {
        lake: { common_name: `${lake}.service.internal` },
        stream: { common_name: `${stream}.service.internal` },
      },
    })
    const first = testEngine({ dir, config: named('lake', 'stream') })
    await apply(first, no)
    const second = testEngine({ dir, store: first.store, config: named('stream', 'lake') })
    assertDone(await apply(second, yes))
    const { bundle } = readAsPeer(second)
    assert.equal(bundle.memberByName.get('lake.service.internal')?.service, 'stream')
    assert.deepEqual(planOf(second).actions, [])
  })

  test('renews what is due, and keeps the rest', async () => {
    const clock = new FixedClock(Date.UTC(2026, 5, 1))
    const config = { services: { lake: { validity_days: 10 }, stream: {} } }
    const engine = testEngine({ dir: temporaryFolder(), clock, config })
    await apply(engine, no)
    const [lake, stream] = [checkPair(engine, 'lake'), checkPair(engine, 'stream')]
    clock.advance(7 * DAY)
    await apply(engine, no)
    assert.notEqual(checkPair(engine, 'lake'), lake)
    assert.equal(checkPair(engine, 'stream'), stream)
  })

  test('makes a new issuing CA where a new address needs one, and moves every leaf to it', async () => {
    const dir = temporaryFolder()
    const first = testEngine({ dir, config: { services } })
    await apply(first, no)
    const stream = checkPair(first, 'stream')
    const config = { services: { lake: { ip_addresses: ['10.0.0.7'] }, stream: {} } }
    const second = testEngine({ dir, store: first.store, config })
    assertDone(await apply(second, no))
    const { trust, bundle } = readAsPeer(second)
    assert.equal(trust.number.counter, 2)
    assert.equal(trust.issuingCas.length, 2)
    checkPair(second, 'lake')
    assert.notEqual(checkPair(second, 'stream'), stream)
    assert.deepEqual(
      [...bundle.draining],
      [first.store.slots().find(({ id }) => id === 'issuing-ca-1')?.spkiHash],
    )
    assert.deepEqual((await apply(second, no)).done, [])
  })

  test('mends lost pairs and lost published files', async () => {
    const engine = testEngine({ dir: temporaryFolder(), config: { services } })
    await apply(engine, no)
    const { layout, config } = engine
    for (const lost of [layout.instance('lake').dir, layout.mesh.dir, config.paths.caCert]) {
      rmSync(lost, { recursive: true })
      assertDone(await apply(engine, no))
      checkPair(engine, 'lake')
      assert.deepEqual(planOf(engine).actions, [])
    }
  })

  test('mends a link that was lost without another certificate, and says what is in its way', async () => {
    const engine = testEngine({ dir: temporaryFolder(), config: { services } })
    await apply(engine, no)
    const { key } = engine.config.services.get('lake')!
    const serial = checkPair(engine, 'lake')
    rmSync(key)
    assert.equal(statusOf(engine).services.find(({ service }) => service === 'lake')?.pair, 'missing')
    writeFileSync(key, 'somebody else’s')
    for (const _ of ['at first', 'and again']) {
      const report = await apply(engine, no)
      const failed = report.failed.map(({ action, error }) => [action.kind, (error as AuthorityError).code])
      assert.deepEqual(failed, [['link-files', 'PAIR_INVALID']])
      assert.equal(readFileSync(key, 'utf8'), 'somebody else’s')
    }
    rmSync(key)
    assertDone(await apply(engine, no))
    assert.equal(checkPair(engine, 'lake'), serial)
    assert.deepEqual(planOf(engine).actions, [])
  })

  test('moves links to other paths, or keeps the settings where it can’t', async () => {
    const dir = temporaryFolder()
    const first = testEngine({ dir, config: { services } })
    await apply(first, no)
    const store = first.store
    const moved = testEngine({
      dir,
      store,
      config: { services: { lake: { cert: 'other.crt' }, stream: {} } },
    })
    const other = join(dir, 'other.crt')
    writeFileSync(other, 'in the way')
    const report = await apply(moved, no)
    assert.deepEqual(
      report.failed.map(({ action }) => action.kind),
      ['change-place'],
    )
    checkPair(first, 'lake')
    rmSync(other)
    assertDone(await apply(moved, no))
    checkPair(moved, 'lake')
    assert.equal(new Disk().kindOf(first.config.services.get('lake')!.cert), undefined)
    assert.deepEqual(planOf(moved).actions, [])
  })

  test('takes a group away that may read the key, and gives an owner what the one before him kept', {
    skip: process.geteuid?.() !== 0 && 'needs root',
  }, async () => {
    const dir = temporaryFolder()
    const { store } = testEngine({ dir, config: { services } })
    const applied = async (lake: object) => {
      const engine = testEngine({ dir, store, config: { services: { lake, stream: {} } } })
      assertDone(await apply(engine, yes))
      assert.deepEqual(planOf(engine).actions, [])
      return engine.layout.instance('lake')
    }
    const dress = (path: string) => {
      const { uid, mode } = lstatSync(path)
      return `${uid} ${(mode & 0o777).toString(8)}`
    }
    await applied({ owner: '1234', group: '5678', mode: '0640' })
    const lake = await applied({ owner: '1234' })
    assert.deepEqual([dress(lake.dir), dress(lake.key)], ['1234 700', '1234 600'])

    // What the service has made there itself, and what it could have put there.
    const at = (name: string) => join(lake.memory, name)
    mkdirSync(lake.memory, { mode: 0o700 })
    writeFileSync(at('head-1.2.json'), 'head', { mode: 0o600 })
    chownSync(at('head-1.2.json'), 1234, 1234)
    const precious = join(dir, 'precious')
    writeFileSync(precious, '', { mode: 0o600 })
    linkSync(precious, at('trust-1.1.json'))
    symlinkSync(precious, at('trust-1.2.json'))
    chownSync(lake.memory, 1234, 1234)
    await applied({ owner: '4321' })
    assert.deepEqual([dress(lake.dir), dress(lake.memory)], ['4321 700', '4321 700'])
    assert.deepEqual([dress(at('head-1.2.json')), dress(precious)], ['4321 600', '0 600'])
    await applied({})
    assert.deepEqual([dress(lake.memory), dress(at('head-1.2.json'))], ['0 700', '0 600'])
    // Nobody has asked for what lies looser than it was made.
    chmodSync(lake.dir, 0o755)
    const engine = testEngine({ dir, store, config: { services: { lake: { owner: '1234' }, stream: {} } } })
    const [failed] = (await apply(engine, yes)).failed
    assert.match(String(failed?.error), /has mode 0755, and may have 0700 at most/)
  })

  test('tells peers of a key that was made before a certificate of it is there', async () => {
    const engine = testEngine({ dir: temporaryFolder(), config: { services } })
    await apply(engine, yes)
    rmSync(engine.layout.instance('lake').dir, { recursive: true })
    engine.events.length = 0
    assertDone(await apply(engine, no))
    assert.deepEqual(
      engine.events.map(({ kind }) => kind).filter((kind) => /^(bundle|certificate)-/.test(kind)),
      ['bundle-published', 'certificate-issued', 'bundle-published'],
    )
  })

  test('tries nothing for who is barred, has left, or is about to', async () => {
    const dir = temporaryFolder()
    const engine = testEngine({ dir, config: { services: { ...services, nexus: {}, pond: {} } } })
    const { store } = engine
    await apply(engine, yes)
    await revoke(engine, { targets: [{ service: 'lake' }], reason: 'superseded' })
    const without = testEngine({ dir, store, config: { services: { lake: {}, nexus: {}, pond: {} } } })
    await apply(without, yes)
    const [nexus] = store.currentCertificates().filter(({ instance }) => instance === 'nexus')
    await revoke(without, { targets: [{ serial: nexus!.serial }], reason: 'superseded' })
    // Nobody says yes to what takes nexus out.
    const last = testEngine({ dir, store, config: { services: { lake: {}, pond: {} } } })
    rmSync(last.layout.instance('pond').dir, { recursive: true })
    const { done } = await apply(last, no)
    assert.deepEqual(
      done.flatMap((action) => ('instance' in action ? [action.instance] : [])),
      ['pond'],
    )
    assert.deepEqual(
      store.currentCertificates().map(({ instance }) => instance),
      ['pond'],
    )
    assert.deepEqual(
      last.events.flatMap(({ kind, subject }) => (kind === 'issue-failed' ? [subject] : [])),
      [],
    )
  })

  test('tells once of what fails in each pass', async () => {
    const engine = testEngine({ dir: temporaryFolder(), config: { services } })
    await apply(engine, yes)
    const { cert } = engine.config.services.get('lake')!
    rmSync(cert)
    mkdirSync(cert)
    rmSync(engine.layout.instance('lake').dir, { recursive: true })
    engine.events.length = 0
    await takeStep(engine, { kind: 'prepare', slotKind: 'issuing-ca', reason: 'asked for' })
    const { done } = await apply(engine, no)
    assert.ok(done.some(({ kind }) => kind === 'activate'))
    const failed = engine.events.filter(({ kind }) => kind === 'issue-failed')
    assert.deepEqual(
      failed.map(({ subject }) => subject),
      ['lake'],
    )
  })

  test('serves the other services where one can’t be issued', async () => {
    const engine = testEngine({
      dir: temporaryFolder(),
      config: { services: { lake: {}, stream: { owner: 'nobody-of-that-name' } } },
    })
    const report = await apply(engine, no)
    assert.deepEqual(
      report.failed.map(({ action, error }) => [action.subject, (error as AuthorityError).code]),
      [['stream', 'OWNER_UNKNOWN']],
    )
    checkPair(engine, 'lake')
    // The same for whoever hears of it, or asks for the status: not that there is no next key, which is for the same reason.
    const [attempt] = engine.store.attempts()
    assert.match(attempt?.error ?? '', /there is no user nobody-of-that-name in \/etc\/passwd/)
  })
})

describe('a state that is not whole is refused', () => {
  async function applied() {
    const dir = temporaryFolder()
    const engine = testEngine({ dir, config: { services } })
    await apply(engine, no)
    return { dir, engine, store: engine.store }
  }

  test('a missing key beside a present certificate', async () => {
    const { engine } = await applied()
    rmSync(engine.config.paths.caKey)
    await refuses('KEY_MISSING', () => apply(engine, no))
    rmSync(join(engine.layout.authority.keys, 'issuing-ca-1.key'))
    await refuses('KEY_MISSING', () => apply(engine, no))
  })

  test('a key that is another', async () => {
    const { engine } = await applied()
    const other = await applied()
    cpSync(other.engine.config.paths.caKey, engine.config.paths.caKey)
    await refuses('KEY_MISMATCH', () => apply(engine, no))
  })

  test('a ca_cert of another mesh', async () => {
    const { engine } = await applied()
    const other = await applied()
    cpSync(other.engine.config.paths.caCert, engine.config.paths.caCert)
    await refuses('CA_MISMATCH', () => apply(engine, no))
  })

  test('a ca_cert that is damaged', async () => {
    const { engine } = await applied()
    const { caCert } = engine.config.paths
    const whole = readFileSync(caCert, 'utf8')
    for (const text of ['', 'hello', whole.slice(0, -30), '-----BEGIN CERTIFICATE-----\nMIIB']) {
      writeFileSync(caCert, text)
      await refuses('CA_MISMATCH', () => apply(engine, no))
    }
    rmSync(caCert)
    await apply(engine, no)
    assert.equal(readFileSync(caCert, 'utf8'), whole)
  })

  test('files without an inventory', async () => {
    const { dir } = await applied()
    await refuses('CA_WITHOUT_INVENTORY', () => apply(testEngine({ dir, config: { services } }), no))
  })

  test('an inventory without files', async () => {
    const { engine, store } = await applied()
    const elsewhere = testEngine({ dir: temporaryFolder(), store, config: { services } })
    await refuses('INVENTORY_WITHOUT_CA', () => apply(elsewhere, no))
    assertDone(await apply(engine, no))
  })

  test('another trust domain', async () => {
    const { dir, store } = await applied()
    const moved = testEngine({ dir, store, config: { services, trust_domain: 'other.internal' } })
    await refuses('TRUST_DOMAIN_CHANGED', () => apply(moved, no))
  })

  test('a key that others may read', async () => {
    const { engine } = await applied()
    const { chmodSync } = await import('node:fs')
    chmodSync(engine.config.paths.caKey, 0o644)
    await refuses('PERMISSIONS', () => apply(engine, no))
  })
})

test('a CSR gets a certificate for what the config says, whatever it asks for', async () => {
  const { createCsr, encodeName, generateKeyPair, localSigner } = await import('@datapunk/pki')
  const engine = testEngine({ dir: temporaryFolder(), config: { services } })
  await apply(engine, no)
  const { privateKey } = await generateKeyPair('ed25519')
  const signer = localSigner(privateKey)
  const csr = await createCsr({
    subject: encodeName({ commonName: 'evil.example' }),
    signer,
    dnsNames: ['evil.example'],
  })
  const issued = await issueForCsr(engine, 'lake', csr)
  const [leaf] = decodePem(issued.certificate, 'CERTIFICATE').map(parseCertificate)
  assert.deepEqual(leaf?.extensions.subjectAltName?.dnsNames, ['lake.service.internal'])
  assert.deepEqual(Buffer.from(leaf!.spki), Buffer.from(signer.spki))
  const broken = Uint8Array.from(csr)
  broken[broken.length - 1]! ^= 1
  await assert.rejects(() => issueForCsr(engine, 'lake', broken), /PkiError|signature/i)
  await refuses('NOT_A_MEMBER', () => issueForCsr(engine, 'nobody', csr))
  assert.deepEqual(planOf(engine).actions, [])
})

describe('whatever step the plug is pulled at', () => {
  /** Applies until the plug is pulled at step `at`, plugs it in again, and applies. */
  async function crashAndGoOn(
    at: number,
    prepare: (dir: string, store: MemoryStore) => Promise<void>,
    config: Record<string, unknown>,
    errno?: string,
  ) {
    const dir = temporaryFolder()
    const plug = new Plug()
    const store = new MemoryStore({ commit: () => plug.commit() })
    await prepare(dir, store)
    const engine = testEngine({ dir, store, plug, config })
    const old = [...store.instances()].map(({ id }) => [id, checkPair(engine, id)] as const)
    if (errno === undefined) plug.pullAt(at)
    else plug.failAt(at, errno)
    await apply(engine, yes).catch(() => {})
    const reached = plug.steps >= at
    plug.reset()
    for (const [id] of old) checkPair(engine, id)
    assertDone(await apply(engine, yes))
    for (const { id } of store.instances()) checkPair(engine, id)
    assert.deepEqual(planOf(engine).actions, [], `something is left to do after a crash at step ${at}`)
    rmSync(dir, { recursive: true })
    return reached
  }

  const founded = async (dir: string, store: MemoryStore) => {
    await apply(testEngine({ dir, store, config: { services: { lake: {} } } }), yes)
  }
  const stories = {
    'of the first apply': { prepare: async () => {}, config: { services: { lake: {} } } },
    'of a change': {
      prepare: founded,
      config: { services: { lake: { dns_names: ['l.service.internal'] }, nexus: {} } },
    },
  }

  for (const [story, { prepare, config }] of Object.entries(stories)) {
    for (const errno of [undefined, 'ENOSPC', 'EROFS']) {
      test(`${story}, ${errno ?? 'killed'}: the old pair serves, and the next apply repairs`, async () => {
        let at = 1
        while (await crashAndGoOn(at, prepare, config, errno)) at += errno === undefined ? 1 : 3
        assert.ok(at > 50, `only ${at} steps were seen`)
      })
    }
  }
})
