import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { atEnd } from '@datapunk/testkit'
import fc from 'fast-check'
import type { CountingStore, Reader, Store, Transaction } from './contract.ts'
import { KeptStore } from './kept-store.ts'
import { type Fate, MemoryStore } from './memory.ts'
import type { IntentRow, SlotRow } from './rows.ts'
import { SqliteStore } from './sqlite.ts'

const names = ['lake', 'stream']
const slotOf = (id: string, since: number): SlotRow => ({
  ...{ id, kind: 'issuing-ca', state: 'active', algorithm: 'ecdsa-p256', spkiHash: 'aa', since },
  ...{ spki: Uint8Array.of(1), certificate: undefined, leftOut: [] },
})
const serviceOf = (service: string, state: 'member' | 'removed', since: number) => ({
  ...{ service, spiffeId: `spiffe://d/${service}`, state, settings: '{}', since, barredAt: undefined },
})
const instanceOf = (id: string, held: string | undefined) =>
  ({ id, service: id, place: 'here', since: 1, held }) as const
const nextKeyOf = (instance: string, n: number) =>
  ({ instance, spkiHash: `k${n % 2}`, algorithm: 'ed25519', keySize: null, announced: undefined }) as const

function intentOf(n: number, instance: string, notAfter: number): IntentRow {
  return {
    ...{ serial: serialOf(n), profile: n % 3 === 0 ? 'operator' : 'leaf', slot: 'issuing-ca-1' },
    ...{ spkiHash: `k${n % 2}`, instance },
    ...{ notBefore: 0, notAfter, tbsHash: 'cc', request: '{}', intendedAt: 1 },
  }
}

function serialOf(n: number): string {
  return `41${n.toString(16).padStart(14, '0')}`
}

type Deed = (transaction: Transaction, n: number) => unknown

const name = fc.constantFrom(...names)
const serial = fc.integer({ min: 1, max: 12 })
/** Every deed; `n` is another number for each. */
const deed: fc.Arbitrary<Deed> = fc.oneof(
  fc.constant<Deed>((t, n) => t.changeMesh({ backedUpAt: n })),
  fc.constant<Deed>((t, n) => t.putSlot(slotOf('issuing-ca-2', n))),
  fc.tuple(name, fc.constantFrom('member' as const, 'removed' as const)).map<Deed>(
    ([of, state]) =>
      (t, n) =>
        t.putService(serviceOf(of, state, n)),
  ),
  fc.tuple(name, fc.constantFrom(undefined, serialOf(1), serialOf(2))).map<Deed>(
    ([of, held]) =>
      (t) =>
        t.putInstance(instanceOf(of, held)),
  ),
  fc.tuple(name, fc.integer({ min: 1, max: 9 })).map<Deed>(
    ([of, notAfter]) =>
      (t, n) =>
        t.recordIntent(intentOf(n, of, notAfter)),
  ),
  serial.map<Deed>((n) => (t) => t.recordIssued(serialOf(n), Uint8Array.of(n))),
  fc.tuple(name, serial).map<Deed>(
    ([of, n]) =>
      (t) =>
        t.makeCurrent(of, serialOf(n)),
  ),
  serial.map<Deed>((n) => (t) => t.revoke({ serial: serialOf(n), reason: 'superseded', at: 1 })),
  fc.constantFrom('aa', 'bb').map<Deed>((spkiHash) => (t, at) => t.addCompromisedKey({ spkiHash, at })),
  fc.constant<Deed>((t, n) => t.putList(listOf(n))),
  name.map<Deed>((instance) => (t, n) => t.putAcknowledgement(acknowledgementOf(instance, n))),
  name.map<Deed>((instance) => (t, at) => t.putDelivery({ instance, digest: 'aa', at })),
  name.map<Deed>((subject) => (t, n) => t.putAttempt(attemptOf(subject, n))),
  name.map<Deed>((subject) => (t) => t.forgetAttempt('issue', subject)),
  name.map<Deed>((instance) => (t, n) => t.putNextKey(nextKeyOf(instance, n))),
  name.map<Deed>((instance) => (t) => t.forgetNextKey(instance)),
  fc.constant<Deed>((t, at) => t.announceNextKeys({ generation: 1, counter: 1, at })),
  fc.constant<Deed>((t, n) =>
    t.putPinning({ wanted: 'report', mode: 'report', since: undefined, suspendedUntil: n }),
  ),
  fc.constant<Deed>((t) => {
    const counter = (t.trustStatements().at(-1)?.counter ?? 0) + 1
    t.addTrustStatement({ generation: 1, counter, bytes: Uint8Array.of(counter) })
  }),
  fc.constant<Deed>((t, n) => {
    const counter = (t.bundle()?.counter ?? 0) + 1
    const row = { generation: 1, counter, head: Uint8Array.of(n), issuedAt: n, expiresAt: n }
    t.addBundle(row, new Map([[`d${n % 3}`, Uint8Array.of(n % 3)]]))
    t.addAuditCheckpoint({ generation: 1, counter, size: n, root: new Uint8Array(32) })
  }),
  fc.constant<Deed>((t, at) => t.addAudit({ at, actor: 'test', deed: 'issued', entry: {} })),
)

function listOf(number: number) {
  const times = { thisUpdate: 1, nextUpdate: 2 }
  return {
    ...{ slot: 'issuing-ca-1', scope: '', number, ...times, revocations: 0, base: undefined },
    der: Uint8Array.of(1),
  }
}

function acknowledgementOf(instance: string, n: number) {
  const trustStatement = { generation: 1, counter: 1 }
  return {
    ...{ instance, generation: 1, counter: n, trustStatement, serial: serialOf(n), at: n },
    document: Uint8Array.of(n),
    leftAt: n % 2 === 0 ? n : undefined,
  }
}

function attemptOf(subject: string, attempts: number) {
  return {
    kind: 'issue',
    subject,
    attempts,
    nextTryAt: attempts,
    waits: attempts % 2 === 0,
    error: 'no',
  } as const
}

/** Everything that can be asked, at one time. */
function answersOf(reader: Reader, time: number) {
  const serials = Array.from({ length: 12 }, (_, n) => serialOf(n + 1))
  return {
    ...{ mesh: reader.mesh(), slots: reader.slots(), services: reader.services() },
    ...{ instances: reader.instances(), current: reader.currentCertificates(), terms: reader.terms() },
    certificates: serials.map((one) => reader.certificate(one)),
    revocations: serials.map((one) => reader.revocation(one)),
    compromised: ['aa', 'bb', 'cc'].map((one) => reader.isKeyCompromised(one)),
    ...{ live: reader.liveCertificates(time), ends: reader.nextEnd(time), pinned: reader.pinnedKeys(time) },
    ...{ issued: reader.issuedOf('operator'), lists: reader.lists(), nextKeys: reader.nextKeys() },
    ...{ revocableOf: reader.revocableOf('lake', time), revokedOf: reader.revokedOf('lake', time) },
    certificatesOf: reader.certificatesOf('lake', 3),
    ...{ revoked: [...reader.revoked({ number: 0, time })], last: reader.lastRevocationOf('issuing-ca-1') },
    ...{ statements: reader.trustStatements(), bundle: reader.bundle(), pinning: reader.pinning() },
    sections: ['d0', 'd1', 'd2'].map((digest) => reader.section(digest)),
    ...{ acknowledgements: reader.acknowledgements(), deliveries: reader.deliveries() },
    ...{ attempts: reader.attempts(), audit: reader.audit(0, 100), tree: reader.auditTree() },
  }
}

function found(transaction: Transaction): void {
  const mesh = { meshId: 'aa', trustDomain: 'd', environment: '', generation: 1, createdAt: 1 }
  transaction.createMesh({ ...mesh, halted: undefined, backedUpAt: undefined })
  transaction.putSlot(slotOf('issuing-ca-1', 1))
  for (const one of names) {
    transaction.putService(serviceOf(one, 'member', 1))
    transaction.putInstance(instanceOf(one, undefined))
  }
  for (let n = 1; n <= 4; n++) {
    const instance = n <= 2 ? 'lake' : 'stream'
    transaction.recordIntent(intentOf(n, instance, 2 * n))
    transaction.putNextKey(nextKeyOf(instance, n))
  }
}

/** The works of one commit, what becomes of it, and what is asked meanwhile and after it. */
const commit = fc.record({
  works: fc.array(fc.record({ deeds: fc.array(deed, { maxLength: 3 }), asks: fc.boolean() }), {
    minLength: 1,
    maxLength: 2,
  }),
  fate: fc.constantFrom<Fate>('kept', 'kept', 'lost', 'kept-but-failed'),
  time: fc.integer({ min: 0, max: 10 }),
})

describe('what is kept is what the inventory says', () => {
  test('whatever is written, fails, is asked in the middle of it, and however clocks go', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(commit, { maxLength: 12 }), async (commits) => {
        let fate: Fate = 'kept'
        const store = new MemoryStore({ commit: () => fate })
        const kept = new KeptStore(store)
        await kept.write(found)
        let n = 4
        for (const { works, time, fate: next } of commits) {
          fate = next
          const writes = works.map(({ deeds, asks }) =>
            kept.write((transaction) => {
              for (const one of deeds) one(transaction, ++n)
              if (asks) answersOf(kept, time)
            }),
          )
          await Promise.allSettled(writes)
          assert.deepEqual(answersOf(kept, time), answersOf(store, time))
        }
      }),
      { numRuns: 500 },
    )
  })

  test('also where another process has written', async (t) => {
    const [store, other] = openTwice(t)
    const kept = new KeptStore(store)
    await kept.write(found)
    assert.equal(kept.services().length, 2)
    await other.write((transaction) => transaction.putService(serviceOf('nexus', 'member', 1)))
    assert.equal(kept.services().length, 3)
    assert.deepEqual(answersOf(kept, 0), answersOf(other, 0))
  })
})

test('nothing is read twice before it changes, and the same answer is the same object', async () => {
  const kept = new KeptStore(new MemoryStore())
  await kept.write(found)
  const write = (work: Deed) => kept.write((transaction) => work(transaction, 0))
  await write((transaction) => {
    for (const n of [1, 2, 3]) transaction.recordIssued(serialOf(n), Uint8Array.of(n))
  })
  const asked = () => [kept.services(), kept.currentCertificates(), kept.liveCertificates(0)] as const
  const before = asked()
  await write((transaction) => transaction.putDelivery({ instance: 'lake', digest: 'aa', at: 1 }))
  for (const [at, answer] of asked().entries()) assert.equal(answer, before[at])
  assert.equal(kept.liveCertificates(0), before[2])
  assert.equal(kept.liveCertificates(1), before[2], 'nothing has ended since')
  assert.equal(before[2].at(-1), before[1].at(-1), 'one object for one certificate')
  assert.equal(kept.liveCertificates(2).length, 2)
  await write((transaction) => transaction.putService(serviceOf('lake', 'member', 2)))
  assert.notEqual(kept.services(), before[0])
  assert.equal(kept.currentCertificates(), before[1])
})

function openTwice(t: TestContext): [CountingStore, Store] {
  const folder = mkdtempSync(join(tmpdir(), 'kept-'))
  const open = () => SqliteStore.open({ file: join(folder, 'authority', 'inventory.db') })
  const stores = [open(), open()] as const
  atEnd(t, () => {
    for (const store of stores) store.close()
    rmSync(folder, { recursive: true })
  })
  return [...stores]
}
