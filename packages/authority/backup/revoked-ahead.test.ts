import assert from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { createCsr, encodeName, generateKeyPair, localSigner } from '@datapunk/pki'
import { keyIdOf, logFolderId, readLogEntries, tilesOfEntries } from '@datapunk/protocol'
import { FixedClock } from '@datapunk/testkit'
import { CHECKPOINT_PATH, openCheckpoint } from '@datapunk/tlog'
import { apply } from '../applying/apply.ts'
import { PairFolder } from '../disk/pair.ts'
import type { Engine } from '../engine/engine.ts'
import { issueOperator } from '../issuing/issue-operator.ts'
import { letIn, revoke } from '../revocation/revoke.ts'
import { issueNow } from '../rotation/issue-now.ts'
import { rotate } from '../rotation/rotate.ts'
import { recentRevocations } from '../services/service-record.ts'
import { MemoryStore } from '../store/memory.ts'
import { checkPair, readAsPeer } from '../testing/peer-eyes.ts'
import { testEngine } from '../testing/test-engine.ts'
import { continueFromHere } from './continue-from-here.ts'

const yes = { approve: () => true }
const no = { approve: () => false }
const DAY = 24 * 60 * 60 * 1000

const stolen = (...targets: Parameters<typeof revoke>[1]['targets']) => ({
  targets,
  reason: 'key-compromise' as const,
})

describe('an inventory that goes on from before a revocation', () => {
  let dir: string
  let clock: FixedClock
  let rows: MemoryStore
  let engine: Engine

  const engineOf = (services: object) =>
    testEngine({
      ...{ dir, clock, store: rows },
      config: {
        services,
        authority: { store_ca_keys_in_clear: true, console: 'console.service.internal:7483' },
        operators: { alice: {} },
      },
    })
  const both = { lake: {}, stream: {} }

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'revoked-ahead-'))
    clock = new FixedClock(Date.UTC(2026, 5, 1))
    rows = new MemoryStore()
    engine = engineOf(both)
    await apply(engine, no)
  })

  afterEach(() => rmSync(dir, { recursive: true }))

  /** As `mtls restore` of a backup made before `since`; what was published is left, and with `logged` the log's files too. */
  const goOnFromBefore = async (
    since: () => Promise<unknown>,
    { logged = true, services = both as object } = {},
  ) => {
    const { keys } = engine.layout.authority
    const copy = join(dir, 'copied-keys')
    cpSync(keys, copy, { recursive: true })
    const before = new MemoryStore({ rows })
    clock.advance(DAY)
    await since()
    if (logged) await writeLog(engine)
    rmSync(keys, { recursive: true })
    cpSync(copy, keys, { recursive: true })
    rows = before
    engine = engineOf(services)
    return continueFromHere(engine)
  }

  /** The files that a log of the mesh’s own would have there. */
  const writeLog = async ({ layout, logSeat }: Engine) => {
    const log = logSeat.log!
    const folder = layout.log(logFolderId(keyIdOf(log.spki))).public
    const read = async (path: string) => {
      const octets = (await log.read(path))!
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), octets)
      return octets
    }
    const checkpoint = openCheckpoint(await read(CHECKPOINT_PATH), log)
    for (const tile of tilesOfEntries(0, checkpoint.size)) await readLogEntries(read, checkpoint, tile)
  }

  const issueAlice = async () => {
    const signer = localSigner((await generateKeyPair('ecdsa-p256')).privateKey)
    const csr = await createCsr({
      subject: encodeName({ commonName: 'alice' }),
      signer,
      dnsNames: [],
      uris: [],
    })
    return { serial: (await issueOperator(engine, 'alice', csr)).serial, csr }
  }

  const shown = (service: string) =>
    new PairFolder(engine.layout.instance(service).dir, engine.disk).read()!.certificate.serial
  const isListed = (serial: string) => readAsPeer(engine).bundle.revoked.has(serial)
  const rowOf = (service: string) => engine.store.services().find((row) => row.service === service)!

  test('revokes operators’ certificates again, of before and since', async () => {
    const first = await issueAlice()
    let second = first
    await goOnFromBefore(async () => {
      second = await issueAlice()
      await revoke(engine, stolen({ serial: first.serial }, { serial: second.serial }))
    })
    await apply(engine, no)
    assert.deepEqual([isListed(first.serial), isListed(second.serial)], [true, true])
    const told = recentRevocations(engine.store, 10).map(({ serial, service }) => [serial, service])
    assert.deepEqual(new Map(told as [string, string][]).get(second.serial), 'operator alice')
    assert.deepEqual(engine.store.issuedOf('operator'), [])
    for (const { csr } of [first, second])
      await assert.rejects(
        issueOperator(engine, 'alice', csr),
        { code: 'CSR_INVALID' },
        'its key may be stolen',
      )
  })

  test('bars a service again that was revoked, also in a certificate that it got since, until it is let in', async () => {
    const first = shown('lake')
    let second = ''
    const { barred } = await goOnFromBefore(async () => {
      await rotate(engine, { what: 'pairs', service: 'lake' })
      second = shown('lake')
      await revoke(engine, stolen({ service: 'lake' }))
    })
    assert.deepEqual(barred, ['lake'])
    await apply(engine, yes)
    assert.deepEqual([isListed(first), isListed(second), shown('lake')], [true, true, second])
    checkPair(engine, 'stream')
    assert.ok(
      engine.store.audit(0, 1000).some(({ deed, entry }) => deed === 'barred' && entry.service === 'lake'),
    )
    await letIn(engine, 'lake')
    await issueNow(engine, rowOf('lake'))
    checkPair(engine, 'lake')
  })

  for (const logged of [true, false]) {
    const what = logged
      ? 'bars no service that was issued another since'
      : 'bars it where no log is left that shows that'
    test(what, async () => {
      const reissued = async () => {
        await revoke(engine, stolen({ serial: shown('lake') }))
        await apply(engine, no)
      }
      assert.deepEqual((await goOnFromBefore(reissued, { logged })).barred, logged ? [] : ['lake'])
      await apply(engine, no)
      if (logged) checkPair(engine, 'lake')
    })
  }

  test('bars no service that has another on record', async () => {
    const first = shown('lake')
    await rotate(engine, { what: 'pairs', service: 'lake' })
    const since = () => revoke(engine, { targets: [{ serial: first }], reason: 'superseded' })
    assert.deepEqual((await goOnFromBefore(since, { logged: false })).barred, [])
    await apply(engine, no)
    assert.equal(isListed(first), true)
    checkPair(engine, 'lake')
  })

  test('bars nobody, and fails at nobody, whom the config does not know', async () => {
    const since = async () => {
      engine = { ...engine, config: engineOf({ ...both, nexus: {} }).config }
      await apply(engine, no)
      await revoke(engine, stolen({ service: 'nexus' }))
    }
    assert.deepEqual((await goOnFromBefore(since)).barred, [])
  })

  test('removes nobody whom an older bundle does not name', async () => {
    const { dir: published } = engine.layout.mesh
    const copy = join(dir, 'copied-mesh')
    cpSync(published, copy, { recursive: true })
    engine = engineOf({ ...both, nexus: {} })
    await apply(engine, no)
    rmSync(published, { recursive: true })
    cpSync(copy, published, { recursive: true })
    await continueFromHere(engine)
    assert.equal(rowOf('nexus').state, 'member')
  })

  test('bars a service that came since, and was revoked', async () => {
    const three = { ...both, nexus: {} }
    let serial = ''
    const since = async () => {
      engine = { ...engine, config: engineOf(three).config }
      await apply(engine, no)
      serial = shown('nexus')
      await revoke(engine, stolen({ service: 'nexus' }))
    }
    const { barred } = await goOnFromBefore(since, { services: three })
    assert.deepEqual(barred, ['nexus'])
    await apply(engine, yes)
    assert.deepEqual([rowOf('nexus').state, shown('nexus'), isListed(serial)], ['member', serial, true])
    assert.deepEqual((await apply(engine, yes)).done, [])
  })

  test('gives nothing to a service that was removed, which is no member again', async () => {
    const serial = shown('stream')
    const only = { lake: {} }
    const since = async () => {
      engine = { ...engine, config: engineOf(only).config }
      await apply(engine, yes)
    }
    const { barred } = await goOnFromBefore(since, { services: only })
    assert.deepEqual([barred, rowOf('stream').state], [['stream'], 'removed'])
    await apply(engine, no)
    assert.deepEqual([shown('stream'), isListed(serial)], [serial, true])
    assert.deepEqual([...readAsPeer(engine).bundle.members.keys()], ['lake'])
  })

  test('a member that is no longer in the config goes on until its removal is approved, and once revoked gets nothing', async () => {
    const serial = shown('stream')
    engine = { ...engine, config: engineOf({ lake: {} }).config }
    await rotate(engine, { what: 'compromised', kind: 'issuing-ca' })
    await apply(engine, no)
    assert.notEqual(shown('stream'), serial)
    for (const service of ['lake', 'stream']) checkPair(engine, service)
    const next = shown('stream')
    await revoke(engine, { targets: [{ serial: next }], reason: 'key-compromise' })
    await apply(engine, no)
    assert.deepEqual([shown('stream'), rowOf('stream').state], [next, 'member'])
    engine = { ...engine, config: engineOf(both).config }
    await apply(engine, no)
    checkPair(engine, 'stream')
  })
})
