import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { atEnd } from '@datapunk/testkit'
import { CompactTree, EMPTY_ROOT } from '@datapunk/tlog'
import { auditLeaf } from './audit-leaf.ts'
import type { Store, Transaction } from './contract.ts'
import { KeptStore } from './kept-store.ts'
import { MemoryStore } from './memory.ts'
import type {
  CertificateRow,
  InstanceRow,
  IntentRow,
  ListRow,
  MeshRow,
  RevokedAfter,
  ServiceRow,
  SlotRow,
} from './rows.ts'
import { SqliteStore } from './sqlite.ts'

function openSqlite(t: TestContext): SqliteStore {
  const folder = mkdtempSync(join(tmpdir(), 'inventory-'))
  const store = SqliteStore.open({ file: join(folder, 'authority', 'inventory.db') })
  atEnd(t, () => {
    store.close()
    rmSync(folder, { recursive: true })
  })
  return store
}

const stores: Readonly<Record<string, (t: TestContext) => Store>> = {
  MemoryStore: () => new MemoryStore(),
  SqliteStore: openSqlite,
  'KeptStore of a MemoryStore': () => new KeptStore(new MemoryStore()),
  'KeptStore of a SqliteStore': (t) => new KeptStore(openSqlite(t)),
}

const mesh: MeshRow = {
  meshId: '00112233445566778899aabbccddeeff',
  trustDomain: 'service.datapunk',
  environment: '',
  generation: 1,
  createdAt: 1_000,
  halted: undefined,
  backedUpAt: undefined,
}
const slot: SlotRow = {
  id: 'issuing-ca-1',
  kind: 'issuing-ca',
  state: 'active',
  algorithm: 'ecdsa-p256',
  spkiHash: 'aa',
  spki: Uint8Array.of(1, 2),
  certificate: undefined,
  since: 1_000,
  leftOut: [],
}
const service: ServiceRow = {
  service: 'lake',
  spiffeId: 'spiffe://service.datapunk/lake',
  state: 'member',
  settings: '{}',
  since: 1_000,
  barredAt: undefined,
}
const instance: InstanceRow = { id: 'lake', service: 'lake', place: 'here', since: 1_000, held: undefined }

function intent(serial: string, fields: Partial<IntentRow> = {}): IntentRow {
  return {
    serial,
    profile: 'leaf',
    slot: 'issuing-ca-1',
    spkiHash: 'bb',
    instance: 'lake',
    notBefore: 1_000,
    notAfter: 9_000,
    tbsHash: 'cc',
    request: '{"commonName":"lake.service.datapunk"}',
    intendedAt: 1_000,
    ...fields,
  }
}

async function withLake(store: Store): Promise<Store> {
  await store.write((transaction) => {
    transaction.putSlot(slot)
    transaction.putService(service)
    transaction.putInstance(instance)
  })
  return store
}

function issue(transaction: Transaction, serial: string, fields: Partial<IntentRow> = {}): void {
  transaction.recordIntent(intent(serial, fields))
  transaction.recordIssued(serial, Uint8Array.of(7))
}

const audit = { at: 1, actor: 'operator', deed: 'mesh-created' as const, entry: { of: 'nothing' } }

for (const [name, open] of Object.entries(stores)) {
  describe(name, () => {
    test('a new inventory is empty', (t) => {
      const store = open(t)
      assert.equal(store.mesh(), undefined)
      assert.equal(store.bundle(), undefined)
      assert.equal(store.section('aa'), undefined)
      assert.equal(store.certificate('aa'), undefined)
      for (const rows of [store.slots(), store.services(), store.instances(), store.trustStatements()]) {
        assert.deepEqual(rows, [])
      }
      assert.deepEqual(store.currentCertificates(), [])
      assert.deepEqual(store.liveCertificates(0), [])
      assert.deepEqual(store.audit(0, 10), [])
    })

    test('rows come back as they were put, in the order of their ids', async (t) => {
      const store = await withLake(open(t))
      const nexus = { ...service, service: 'nexus' }
      const certified = { ...slot, id: 'root-1', certificate: Uint8Array.of(3), kind: 'root' as const }
      const told = { ...slot, id: 'issuing-ca-9', toldIn: { generation: 1, counter: 2, at: 3 } }
      await store.write((transaction) => {
        transaction.createMesh(mesh)
        transaction.putService(nexus)
        transaction.putService({ ...service, service: 'api' })
        transaction.putInstance({ ...instance, id: 'nexus', service: 'nexus', place: 'elsewhere' })
        transaction.putSlot(certified)
        transaction.putSlot(told)
      })
      assert.deepEqual(store.mesh(), mesh)
      assert.deepEqual(store.slots(), [slot, told, certified])
      assert.deepEqual(store.services(), [{ ...service, service: 'api' }, service, nexus])
      assert.deepEqual(store.instances(), [
        instance,
        { ...instance, id: 'nexus', service: 'nexus', place: 'elsewhere' },
      ])
    })

    test('a row put again replaces the one before', async (t) => {
      const store = await withLake(open(t))
      const [retired, removed] = [
        { ...slot, state: 'retired' as const },
        { ...service, state: 'removed' as const },
      ]
      await store.write((transaction) => {
        transaction.putSlot(retired)
        transaction.putService(removed)
        transaction.putInstance({ ...instance, place: 'elsewhere' })
      })
      assert.deepEqual(store.slots(), [retired])
      assert.deepEqual(store.services(), [removed])
      assert.deepEqual(store.instances(), [{ ...instance, place: 'elsewhere' }])
    })

    test('rows share nothing with what was put', async (t) => {
      const store = open(t)
      const spki = Uint8Array.of(1, 2)
      await store.write((transaction) => transaction.putSlot({ ...slot, spki }))
      spki[0] = 9
      assert.deepEqual(store.slots()[0]!.spki, Uint8Array.of(1, 2))
    })

    test('1 and 4: a write that comes alone is committed alone, and resolves with what its work returned', async (t) => {
      const store = await withLake(open(t))
      assert.equal(await store.write((transaction) => transaction.services().length), 1)
    })

    test('2: a work that throws leaves nothing behind, its audit entries included', async (t) => {
      const store = await withLake(open(t))
      const thrown = new Error('no')
      const write = store.write((transaction) => {
        transaction.createMesh(mesh)
        transaction.putSlot({ ...slot, state: 'retired' })
        issue(transaction, '01')
        transaction.addTrustStatement({ generation: 1, counter: 1, bytes: Uint8Array.of(1) })
        transaction.addAudit(audit)
        throw thrown
      })
      await assert.rejects(write, (error) => error === thrown)
      assert.equal(store.mesh(), undefined)
      assert.deepEqual(store.slots(), [slot])
      assert.equal(store.certificate('01'), undefined)
      assert.deepEqual(store.currentCertificates(), [])
      assert.deepEqual(store.trustStatements(), [])
      assert.deepEqual(store.audit(0, 10), [])
    })

    test('2: a work that throws does not harm the writes that share its commit', async (t) => {
      const store = await withLake(open(t))
      const outcomes = await Promise.allSettled(
        ['01', '02', '03', '04'].map((serial, index) =>
          store.write((transaction) => {
            issue(transaction, serial)
            transaction.addAudit({ ...audit, entry: { serial } })
            if (index % 2 === 1) throw new Error(serial)
          }),
        ),
      )
      assert.deepEqual(
        outcomes.map(({ status }) => status),
        ['fulfilled', 'rejected', 'fulfilled', 'rejected'],
      )
      assert.deepEqual(
        store.liveCertificates(0).map(({ serial }) => serial),
        ['01', '03'],
      )
      assert.deepEqual(
        store.audit(0, 10).map(({ number, entry }) => [number, entry]),
        [
          [1, { serial: '01' }],
          [2, { serial: '03' }],
        ],
      )
    })

    test('2: a refusal that the work handles itself undoes only what was refused', async (t) => {
      const store = await withLake(open(t))
      await store.write((transaction) => {
        transaction.recordIntent(intent('01'))
        assert.throws(() => transaction.recordIntent(intent('01')), { code: 'SERIAL_REUSED' })
        transaction.recordIntent(intent('02'))
      })
      assert.equal(store.certificate('01')?.state, 'intended')
      assert.equal(store.certificate('02')?.state, 'intended')
    })

    test('2: a work that returns a promise is refused, and nothing of it stays', async (t) => {
      const store = open(t)
      const write = store.write(async (transaction) => transaction.putSlot(slot))
      await assert.rejects(write, TypeError)
      assert.deepEqual(store.slots(), [])
    })

    test('2: a transaction does nothing outside its work', async (t) => {
      const store = await withLake(open(t))
      const kept = await store.write((transaction) => ({ transaction }))
      for (const use of [
        () => kept.transaction.createMesh(mesh),
        () => kept.transaction.putSlot(slot),
        () => kept.transaction.putService(service),
        () => kept.transaction.putInstance(instance),
        () => kept.transaction.recordIntent(intent('01')),
        () => kept.transaction.recordIssued('01', Uint8Array.of(1)),
        () => kept.transaction.addTrustStatement({ generation: 1, counter: 1, bytes: Uint8Array.of(1) }),
        () => kept.transaction.addBundle(bundle(1, 1), new Map()),
        () => kept.transaction.addAudit(audit),
        () => kept.transaction.addAuditCheckpoint({ generation: 1, counter: 1, size: 0, root: EMPTY_ROOT }),
      ]) {
        assert.throws(use, TypeError)
      }
    })

    test('3: works run once, in the order of their writes, and see all earlier ones', async (t) => {
      const store = open(t)
      const seen: number[] = []
      const runs: number[] = []
      await Promise.all(
        [0, 1, 2, 3, 4].map((index) =>
          store.write((transaction) => {
            runs.push(index)
            seen.push(transaction.services().length)
            transaction.putService({ ...service, service: `s${index}` })
          }),
        ),
      )
      assert.deepEqual(runs, [0, 1, 2, 3, 4])
      assert.deepEqual(seen, [0, 1, 2, 3, 4])
    })

    test('3: a write made inside a work comes after it', async (t) => {
      const store = open(t)
      const order: string[] = []
      let inner: Promise<unknown> | undefined
      await store.write(() => {
        inner = store.write(() => order.push('inner'))
        order.push('outer')
      })
      await inner
      assert.deepEqual(order, ['outer', 'inner'])
    })

    test('5: a serial is used once, whatever became of it', async (t) => {
      const store = await withLake(open(t))
      await store.write((transaction) => {
        transaction.recordIntent(intent('01'))
        issue(transaction, '02')
      })
      for (const serial of ['01', '02']) {
        await assert.rejects(
          store.write((transaction) => transaction.recordIntent(intent(serial))),
          { code: 'SERIAL_REUSED', data: { serial } },
        )
      }
    })

    test('5: an intent is settled once: issued, or revoked', async (t) => {
      const store = await withLake(open(t))
      await store.write((transaction) => {
        issue(transaction, '01')
      })
      await store.write((transaction) => {
        transaction.recordIntent(intent('04'))
        transaction.revoke({ serial: '04', reason: 'superseded', at: 2_000 })
      })
      for (const serial of ['01', '03', '04']) {
        const settle = (transaction: Transaction) => transaction.recordIssued(serial, Uint8Array.of(1))
        await assert.rejects(store.write(settle), { code: 'NO_INTENT' })
      }
      assert.deepEqual(store.certificate('01'), {
        ...intent('01'),
        state: 'issued',
        der: Uint8Array.of(7),
        log: undefined,
      })
    })

    test('a certificate takes the place of the one before it, and says of which', async (t) => {
      const store = await withLake(open(t))
      const record = (serial: string) =>
        store.write((transaction) => {
          transaction.recordIntent(intent(serial))
          return transaction.recordIssued(serial, Uint8Array.of(7))
        })
      assert.equal(await record('01'), undefined)
      assert.equal(await record('02'), '01')
    })

    test('what is revoked is current and issued no more, and stays so', async (t) => {
      const store = await withLake(open(t))
      const [old, current, intended] = ['11'.repeat(16), '22'.repeat(16), '00a3'.padEnd(34, '0')] as const
      await store.write((transaction) => {
        issue(transaction, old)
        issue(transaction, current)
        transaction.recordIntent(intent(intended))
      })
      const serials = () => store.revocableOf('lake', 8_999).map(({ serial }) => serial)
      assert.deepEqual(serials(), [old, current, intended])
      assert.deepEqual(store.revocableOf('lake', 9_000), [])
      const revoke = (serial: string, at: number) =>
        store.write((transaction) => transaction.revoke({ serial, reason: 'superseded', at }))
      assert.equal(await revoke(current, 2_000), true)
      assert.equal(await revoke(current, 3_000), false)
      assert.deepEqual(store.revocation(current), { serial: current, reason: 'superseded', at: 2_000 })
      assert.equal(store.revocation(old), undefined)
      assert.equal(store.certificate(current)?.state, 'revoked')
      assert.deepEqual(store.certificate(current)?.der, Uint8Array.of(7))
      assert.deepEqual(store.currentCertificates(), [])
      assert.deepEqual(
        store.liveCertificates(0).map(({ serial }) => serial),
        [old],
      )
      assert.deepEqual(serials(), [old, intended])
      const all = (limit: number) => store.certificatesOf('lake', limit).map(({ serial }) => serial)
      assert.deepEqual(
        [all(9), all(2), store.certificatesOf('stream', 9)],
        [[intended, current, old], [intended, current], []],
      )
      const listed = { serial: current, reason: 'superseded', at: 2_000, profile: 'leaf' }
      const revoked = (which: Partial<RevokedAfter>) =>
        [...store.revoked({ number: 0, time: 0, ...which })].map((row) => ({ ...row }))
      const row = { ...listed, number: 1, slot: 'issuing-ca-1', notAfter: 9_000 }
      for (const which of [{ time: 8_999 }, { slot: 'issuing-ca-1' }]) assert.deepEqual(revoked(which), [row])
      for (const which of [{ time: 9_000 }, { number: 1 }, { slot: 'root-1' }])
        assert.deepEqual(revoked(which), [])
      assert.deepEqual([store.lastRevocationOf('issuing-ca-1'), store.lastRevocationOf('root-1')], [1, 0])
      await assert.rejects(
        store.write((transaction) => transaction.makeCurrent('lake', current)),
        { code: 'REFERENCE_MISSING' },
      )
      await revoke(intended, 2_000)
      const issuing = store.write((transaction) => transaction.recordIssued(intended, Uint8Array.of(7)))
      await assert.rejects(issuing, { code: 'NO_INTENT' })
      await assert.rejects(revoke('33'.repeat(16), 2_000), { code: 'REFERENCE_MISSING' })
    })

    test('a key is compromised once that is recorded, for good', async (t) => {
      const store = open(t)
      const known = () => ['aa', 'bb'].map((key) => store.isKeyCompromised(key))
      const add = (spkiHash: string) =>
        store.write((transaction) => transaction.addCompromisedKey({ spkiHash, at: 2_000 }))
      assert.deepEqual(known(), [false, false])
      assert.deepEqual([await add('aa'), await add('aa')], [true, false])
      assert.deepEqual(known(), [true, false])
      const failing = store.write((transaction) => {
        transaction.addCompromisedKey({ spkiHash: 'bb', at: 2_000 })
        throw new Error('no')
      })
      await assert.rejects(failing, /no/)
      assert.deepEqual(known(), [true, false])
    })

    test('what an instance has splits into what can be revoked and what is', async (t) => {
      const store = await withLake(open(t))
      await store.write((transaction) => {
        issue(transaction, '01', { notAfter: 9_000 })
        issue(transaction, '02', { notAfter: 9_000 })
        issue(transaction, '03', { notAfter: 3_000 })
        transaction.recordIntent(intent('04'))
        for (const serial of ['02', '03', '04'])
          transaction.revoke({ serial, reason: 'superseded', at: 2_000 })
      })
      const serials = (rows: readonly CertificateRow[]) => rows.map(({ serial }) => serial)
      assert.deepEqual(serials(store.revocableOf('lake', 2_000)), ['01'])
      assert.deepEqual(serials(store.revokedOf('lake', 2_000)), ['02', '03', '04'])
      assert.deepEqual(serials(store.revokedOf('lake', 3_000)), ['02', '04'])
      assert.deepEqual(serials(store.revokedOf('stream', 2_000)), [])
    })

    test('a serial is known by its first 64 bits, however it was drawn', async (t) => {
      const store = await withLake(open(t))
      const serials = ['00a3'.padEnd(34, '1'), '12'.repeat(15), '7f'.padEnd(32, '0')]
      await store.write((transaction) => {
        for (const serial of serials) transaction.recordIntent(intent(serial))
      })
      for (const prefix of ['a311111111111111', '0012121212121212', '7f00000000000000'])
        assert.equal(store.isSerialPrefixUsed(prefix), true, prefix)
      for (const prefix of ['00a3111111111111', '1212121212121212', '7f00000000000001', '0000000000000000'])
        assert.equal(store.isSerialPrefixUsed(prefix), false, prefix)
    })

    test('certificates found by how their serials begin come in the order of their intents', async (t) => {
      const store = await withLake(open(t))
      const serials = ['1b', '1a03', '1a', '1a01', '2a']
      await store.write((transaction) => {
        for (const serial of serials) transaction.recordIntent(intent(serial))
      })
      const found = (serial: string) => store.certificatesFrom(serial).map((row) => row.serial)
      assert.deepEqual(found('1a'), ['1a03', '1a', '1a01'])
      assert.deepEqual(found(''), serials)
    })

    test('a certificate names a log that is there', async (t) => {
      const store = await withLake(open(t))
      await store.write((transaction) => transaction.recordIntent(intent('01')))
      const record = (log: string) =>
        store.write((transaction) => transaction.recordIssued('01', Uint8Array.of(1), log))
      await assert.rejects(record('log-9'), {
        code: 'REFERENCE_MISSING',
        message: /^certificate 01 names log log-9,/,
      })
      assert.deepEqual([store.certificate('01')?.state, store.currentCertificates()], ['intended', []])
      await store.write((transaction) => transaction.putSlot({ ...slot, id: 'log-9', kind: 'log' }))
      await record('log-9')
      assert.equal(store.certificate('01')?.log, 'log-9')
    })

    test('whether a service is barred comes back as it was put', async (t) => {
      const store = await withLake(open(t))
      await store.write((transaction) => transaction.putService({ ...service, barredAt: 5 }))
      assert.equal(store.services()[0]?.barredAt, 5)
      await store.write((transaction) => transaction.putService(service))
      assert.equal(store.services()[0]?.barredAt, undefined)
    })

    test('an intent names a slot and an instance that are there, an instance a service', async (t) => {
      const store = await withLake(open(t))
      const refused = [
        (transaction: Transaction) => transaction.recordIntent(intent('01', { slot: 'root-9' })),
        (transaction: Transaction) => transaction.recordIntent(intent('01', { instance: 'nexus' })),
        (transaction: Transaction) => transaction.putInstance({ ...instance, service: 'nexus' }),
      ]
      for (const work of refused) await assert.rejects(store.write(work), { code: 'REFERENCE_MISSING' })
      await store.write((transaction) => transaction.recordIntent(intent('01', { instance: undefined })))
      assert.equal(store.certificate('01')?.instance, undefined)
    })

    test('the current certificate of an instance is the last one recorded as issued', async (t) => {
      const store = await withLake(open(t))
      await store.write((transaction) => {
        transaction.putInstance({ ...instance, id: 'lake-2' })
        transaction.recordIntent(intent('01'))
        issue(transaction, '02')
        issue(transaction, '03', { instance: 'lake-2', notAfter: 1_001 })
        issue(transaction, '04', { instance: undefined, profile: 'issuing-ca' })
        transaction.recordIssued('01', Uint8Array.of(8))
        transaction.recordIntent(intent('05'))
      })
      assert.deepEqual(
        store.currentCertificates().map(({ serial }) => serial),
        ['01', '03'],
      )
      assert.deepEqual(
        store.liveCertificates(1_001).map(({ serial }) => serial),
        ['01', '02', '04'],
      )
    })

    test('terms are those of the current certificates of members', async (t) => {
      const store = await withLake(open(t))
      await store.write((transaction) => {
        transaction.putService({ ...service, service: 'gone', state: 'removed' })
        transaction.putInstance({ ...instance, id: 'gone', service: 'gone' })
        transaction.putInstance({ ...instance, id: 'lake-2', place: 'elsewhere', held: '04' })
        transaction.putInstance({ ...instance, id: 'lake-3' })
        issue(transaction, '01')
        issue(transaction, '02')
        issue(transaction, '03', { instance: 'gone' })
        issue(transaction, '04', { instance: 'lake-2', notAfter: 5_000 })
        issue(transaction, '05', { instance: 'lake-3' })
        issue(transaction, '06', { instance: undefined, profile: 'authority' })
        transaction.revoke({ serial: '05', reason: 'superseded', at: 2_000 })
      })
      const term = { service: 'lake', notBefore: 1_000 }
      assert.deepEqual(store.terms(), [
        { ...term, instance: 'lake', place: 'here', held: false, serial: '02', notAfter: 9_000 },
        { ...term, instance: 'lake-2', place: 'elsewhere', held: true, serial: '04', notAfter: 5_000 },
      ])
    })

    test('6: the mesh is recorded once', async (t) => {
      const store = open(t)
      await store.write((transaction) => transaction.createMesh(mesh))
      await assert.rejects(
        store.write((transaction) => transaction.createMesh({ ...mesh, meshId: 'ff' })),
        { code: 'MESH_EXISTS' },
      )
      assert.deepEqual(store.mesh(), mesh)
      const change = { scts: 'required', bundleTerms: [{ memory: 7, until: 9 }] } as const
      await store.write((transaction) => transaction.changeMesh(change))
      assert.deepEqual(store.mesh(), { ...mesh, ...change })
      await store.write((transaction) => transaction.changeMesh({ settings: '{}' }))
      await store.write((transaction) => transaction.changeMesh({ backedUpAt: 7 }))
      assert.deepEqual(store.mesh(), { ...mesh, ...change, settings: '{}', backedUpAt: 7 })
    })

    test('6: trust statements count from 1, without gaps but for a restore’s', async (t) => {
      const store = open(t)
      const statement = (generation: number, counter: number) => ({
        ...{ generation, counter },
        bytes: Uint8Array.of(counter),
      })
      const add = (generation: number, counter: number) =>
        store.write((transaction) => transaction.addTrustStatement(statement(generation, counter)))
      await assert.rejects(add(1, 2), { code: 'NUMBER_REUSED' })
      await add(1, 1)
      await add(1, 2)
      for (const number of [1, 2, 4, 2.5, Number.NaN])
        await assert.rejects(add(1, number), { code: 'NUMBER_REUSED' })
      await add(2, 3)
      await assert.rejects(add(1, 3), { code: 'NUMBER_REUSED' })
      assert.deepEqual(store.trustStatements(), [statement(1, 1), statement(1, 2), statement(2, 3)])
    })

    test('6: bundle numbers go up by one, or to a higher generation', async (t) => {
      const store = open(t)
      const add = (generation: number, counter: number) =>
        store.write((transaction) => transaction.addBundle(bundle(generation, counter), new Map()))
      await assert.rejects(add(1, 2), { code: 'NUMBER_REUSED' })
      await add(1, 1)
      await add(1, 2)
      const refused = [
        [1, 2],
        [1, 1],
        [1, 4],
        [0, 9],
        [2, 0],
        [1.5, 3],
        [1, 2.5],
      ] as const
      for (const [generation, counter] of refused) {
        await assert.rejects(add(generation, counter), { code: 'NUMBER_REUSED' })
      }
      await add(3, 1)
      await add(3, 2)
      await assert.rejects(add(2, 3), { code: 'NUMBER_REUSED' })
      assert.deepEqual(store.bundle(), { ...bundle(3, 2), sections: [] })
    })

    test('6: numbers of lists go up by slot and scope, and a list comes back whole or by its head', async (t) => {
      const store = await withLake(open(t))
      const head = { slot: slot.id, scope: '', number: 5, thisUpdate: 1_000, nextUpdate: 2_000 }
      const row = { ...head, revocations: 3, base: undefined, der: Uint8Array.of(1) }
      const base = { number: 4, nextUpdate: 1_500, revocations: 2 }
      const delta = { ...row, scope: 'delta', base }
      const put = (list: ListRow) => store.write((transaction) => transaction.putList(list))
      await put(row)
      await put(delta)
      for (const number of [5, 4, 5.5])
        await assert.rejects(put({ ...row, number }), { code: 'NUMBER_REUSED' })
      await put({ ...row, number: 6, der: Uint8Array.of(2) })
      assert.deepEqual(store.list(slot.id, ''), { ...row, number: 6, der: Uint8Array.of(2) })
      assert.deepEqual(store.list(slot.id, 'delta'), delta)
      assert.equal(store.list(slot.id, 'other'), undefined)
      const heads = [{ ...row, number: 6 }, delta].map(({ der, ...head }) => head)
      assert.deepEqual(store.lists(), heads)
      await assert.rejects(put({ ...row, slot: 'nobody' }), { code: 'REFERENCE_MISSING' })
    })

    test('6: audit entries are numbered from 1, without gaps, across commits', async (t) => {
      const store = open(t)
      await store.write((transaction) => transaction.addAudit(audit))
      await store.write((transaction) => {
        transaction.addAudit(audit)
        transaction.addAudit({ ...audit, entry: { list: [1, { deep: null }] } })
      })
      assert.deepEqual(
        store.audit(0, 10).map(({ number }) => number),
        [1, 2, 3],
      )
      assert.deepEqual(store.audit(1, 1), [{ ...audit, number: 2 }])
      assert.deepEqual(store.audit(2, 9), [{ ...audit, number: 3, entry: { list: [1, { deep: null }] } }])
    })

    test('9: the tree of the audit has a leaf for each entry, whatever became of the works around it', async (t) => {
      const store = open(t)
      assert.deepEqual(store.auditTree(), { size: 0, root: EMPTY_ROOT })
      const add = (count: number, failing = false) =>
        store.write((transaction) => {
          for (let entry = 0; entry < count; entry++) transaction.addAudit({ ...audit, entry: { entry } })
          const { size } = transaction.auditTree()
          if (failing) throw new Error(`undone at ${size}`)
          return size
        })
      const outcomes = await Promise.allSettled([add(2), add(3, true), add(1), add(1, true)])
      assert.deepEqual(
        outcomes.map((one) => (one.status === 'fulfilled' ? one.value : one.reason.message)),
        [2, 'undone at 5', 3, 'undone at 4'],
      )
      await add(4)
      const records = [...store.auditRecords(0)]
      assert.deepEqual(
        records.map(({ number }) => number),
        [1, 2, 3, 4, 5, 6, 7],
      )
      const tree = new CompactTree()
      for (const { leaf, ...record } of records) {
        assert.equal(leaf, Buffer.from(auditLeaf(record)).toString('hex'))
        tree.append(Buffer.from(leaf, 'hex'))
      }
      assert.equal(store.auditTree().size, 7)
      assert.equal(hex(store.auditTree().root), hex(tree.root()))
      assert.deepEqual(
        [...store.auditRecords(5)].map(({ number }) => number),
        [6, 7],
      )
    })

    test('9: what the audit was is kept beside each bundle', async (t) => {
      const store = open(t)
      const root = new Uint8Array(32).fill(7)
      const checkpoint = (counter: number) => ({ generation: 1, counter, size: counter, root })
      const orphan = store.write((transaction) => transaction.addAuditCheckpoint(checkpoint(1)))
      await assert.rejects(orphan, { code: 'REFERENCE_MISSING' })
      await store.write((transaction) => {
        for (const counter of [1, 2, 3]) transaction.addBundle(bundle(1, counter), new Map())
      })
      for (const counter of [1, 3, 2]) {
        await store.write((transaction) => transaction.addAuditCheckpoint(checkpoint(counter)))
      }
      for (const size of [2, 9]) {
        const again = store.write((transaction) => transaction.addAuditCheckpoint({ ...checkpoint(2), size }))
        await assert.rejects(again, { code: 'NUMBER_REUSED', data: { found: [1, 2] } })
      }
      assert.deepEqual(store.auditCheckpoints(), [checkpoint(1), checkpoint(2), checkpoint(3)])
    })

    test('sections of the last two bundles are kept, older ones forgotten', async (t) => {
      const store = open(t)
      const bytes = (digest: string) => new TextEncoder().encode(digest)
      const add = (counter: number, ...digests: string[]) =>
        store.write((transaction) =>
          transaction.addBundle(
            bundle(1, counter),
            new Map(digests.map((digest) => [digest, bytes(digest)])),
          ),
        )
      await add(1, 'pins-1', 'members-1')
      assert.deepEqual(store.bundle(), { ...bundle(1, 1), sections: ['members-1', 'pins-1'] })
      await add(2, 'members-2', 'pins-1')
      assert.deepEqual(store.section('members-1'), bytes('members-1'))
      await add(3, 'members-2', 'pins-3')
      assert.equal(store.section('members-1'), undefined)
      for (const digest of ['members-2', 'pins-1', 'pins-3']) {
        assert.deepEqual(store.section(digest), bytes(digest))
      }
      await add(4, 'members-1', 'pins-3')
      assert.deepEqual(store.section('members-1'), bytes('members-1'))
    })

    test('7: a reader sees a write when, and not before, it is committed', async (t) => {
      const store = open(t)
      const write = store.write((transaction) => transaction.putService(service))
      assert.deepEqual(store.services(), [])
      await write
      assert.deepEqual(store.services(), [service])
    })

    test('pins the keys of certificates that live, and those that come next', async (t) => {
      const store = await withLake(open(t))
      const next = (spkiHash: string, changes = {}) => ({
        ...{ instance: 'lake', spkiHash, algorithm: 'rsa' as const, keySize: 2048, announced: undefined },
        ...changes,
      })
      const pinned = (after = 0) =>
        store.pinnedKeys(after).map(({ service, spkiHash }) => `${service} ${spkiHash}`)
      assert.deepEqual(store.nextKeys(), [])
      assert.deepEqual(pinned(), [])
      await store.write((transaction) => {
        transaction.putService({ ...service, service: 'gone', state: 'removed' })
        transaction.putInstance({ ...instance, id: 'gone', service: 'gone' })
        transaction.putInstance({ ...instance, id: 'lake-b' })
        transaction.putNextKey(next('dd'))
        transaction.putNextKey(next('ee', { instance: 'lake-b', algorithm: 'ed25519', keySize: null }))
        transaction.putNextKey(next('ff', { instance: 'gone' }))
        issue(transaction, '01', { spkiHash: 'bb' })
        issue(transaction, '02', { spkiHash: 'bb', notAfter: 5_000 })
        issue(transaction, '03', { spkiHash: 'cc', notAfter: 5_000 })
        issue(transaction, '04', { spkiHash: 'aa' })
        transaction.recordIntent(intent('05', { spkiHash: '99' }))
        transaction.revoke({ serial: '04', reason: 'superseded', at: 2_000 })
      })
      assert.deepEqual(pinned(), ['lake bb', 'lake cc', 'lake dd', 'lake ee'])
      assert.deepEqual(pinned(5_000), ['lake bb', 'lake dd', 'lake ee'])
      assert.deepEqual(
        [0, 4_999, 5_000].map((time) => store.nextEnd(time)),
        [5_000, 5_000, intent('01').notAfter],
      )
      assert.equal(store.nextEnd(intent('01').notAfter), Number.POSITIVE_INFINITY)
      assert.equal(store.nextKeys().length, 3)

      const announced = { generation: 1, counter: 7, at: 3_000 }
      await store.write((transaction) => transaction.announceNextKeys(announced))
      await store.write((transaction) => {
        transaction.announceNextKeys({ generation: 1, counter: 8, at: 4_000 })
        transaction.forgetNextKey('gone')
        transaction.forgetNextKey('gone')
      })
      assert.deepEqual(store.nextKeys(), [
        next('dd', { announced }),
        next('ee', { instance: 'lake-b', algorithm: 'ed25519', keySize: null, announced }),
      ])

      // It is pinned throughout: first for what comes, then by its certificate.
      await store.write((transaction) => issue(transaction, '06', { spkiHash: 'dd' }))
      assert.deepEqual(pinned(), ['lake bb', 'lake cc', 'lake dd', 'lake ee'])
      assert.deepEqual(
        store.nextKeys().map(({ instance }) => instance),
        ['lake-b'],
      )
      await store.write((transaction) => issue(transaction, '07', { instance: 'lake-b', spkiHash: 'bb' }))
      assert.equal(store.nextKeys().length, 1, 'another key was not the next one')
      const unknown = next('aa', { instance: 'nobody' })
      await assert.rejects(
        store.write((transaction) => transaction.putNextKey(unknown)),
        { code: 'REFERENCE_MISSING' },
      )
    })

    test('remembers what is tried again, and whether it only waits', async (t) => {
      const store = open(t)
      const row = { kind: 'issue', attempts: 0, nextTryAt: 1_000, error: 'somebody is late' } as const
      const rows = [
        { ...row, subject: 'lake', waits: true },
        { ...row, subject: 'stream', waits: false },
      ]
      await store.write((transaction) => {
        for (const one of rows) transaction.putAttempt(one)
      })
      assert.deepEqual(store.attempts(), rows)
      await store.write((transaction) => transaction.forgetAttempt('issue', 'lake'))
      assert.deepEqual(store.attempts(), [rows[1]])
    })

    test('remembers how keys are pinned', async (t) => {
      const store = open(t)
      assert.equal(store.pinning(), undefined)
      for (const row of [
        {
          wanted: 'required',
          mode: 'report',
          since: { generation: 2, counter: 3, at: 1_000 },
          suspendedUntil: 9_000,
        },
        { wanted: 'off', mode: 'off', since: undefined, suspendedUntil: undefined },
      ] as const) {
        await store.write((transaction) => transaction.putPinning(row))
        assert.deepEqual(store.pinning(), row)
      }
      await assert.rejects(
        store.write((transaction) => {
          transaction.putPinning({ ...store.pinning()!, mode: 'required' })
          throw new Error('after')
        }),
      )
      assert.equal(store.pinning()?.mode, 'off')
    })

    test('closing commits what waits, and refuses what comes after', async (t) => {
      const store = open(t)
      const write = store.write((transaction) => transaction.services().length)
      store.close()
      assert.equal(await write, 0)
      await assert.rejects(
        store.write(() => {}),
        { code: 'STORE_FAILED' },
      )
      store.close()
    })
  })
}

function bundle(generation: number, counter: number) {
  return { generation, counter, head: Uint8Array.of(counter), issuedAt: 1, expiresAt: 2 }
}

function hex(octets: Uint8Array): string {
  return Buffer.from(octets).toString('hex')
}
