import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { beforeEach, describe, test } from 'node:test'
import { type PrecertEntry, precertEntry, sha256, type TileLeaf } from '@datapunk/pki'
import { parseConfig } from '@datapunk/protocol'
import { TestCa, TestLog } from '@datapunk/testkit'
import { MemoryStore } from '../store/memory.ts'
import type { SlotRow } from '../store/rows.ts'
import { compareEntry } from './compare-entry.ts'

const BACKUP = Date.UTC(2026, 5, 1, 12, 0, 0, 400)
const RESTORE = Date.UTC(2026, 5, 2, 12)
const HOUR = 60 * 60 * 1000

const config = parseConfig(
  JSON.stringify({ trust_domain: 'service.datapunk', services: { lake: {} }, authority: {} }),
  { file: '/mesh/mtls-config.yaml' },
)

describe('an entry of a log', () => {
  let leaf: TileLeaf
  let tbsHash: string

  beforeEach(async () => {
    const ca = await TestCa.create({ trustDomain: 'service.datapunk' })
    const { tbs, der: precertificate } = (await ca.leaf('lake')).certificate
    const entry = precertEntry({ tbs, issuerKeyHash: sha256(ca.issuing.certificate.spki) })
    leaf = { entry, precertificate, leafIndex: 3, timestamp: 0, chain: [] }
    tbsHash = hash('sha256', tbs)
  })

  /** What is found, where a certificate of its serial is on record. */
  const found = (of: Partial<TileLeaf>, recorded = tbsHash) => {
    const store = { certificate: () => ({ tbsHash: recorded }) } as unknown as MemoryStore
    return compareEntry({ ...leaf, ...of }, { store, config, log: new Uint8Array() }).map(
      ({ message }) => message,
    )
  }

  test('is no alarm where it is the very certificate on record', () => {
    assert.deepEqual(found({}), [])
  })

  test('is an alarm where another certificate of its serial is on record', () => {
    const [message, ...more] = found({}, '00'.repeat(32))
    assert.match(
      message!,
      /is another certificate [0-9a-f]+ than the one on record: .*`mtls compromise --issuing-ca`/,
    )
    assert.deepEqual(more, [])
  })

  test('is an alarm where it is of no precertificate, or can’t be read', () => {
    const certificate = { type: 'x509_entry', certificate: leaf.precertificate! } as const
    assert.match(found({ entry: certificate })[0]!, /logged after it was issued/)
    assert.match(
      found({ entry: { ...leaf.entry, tbs: new Uint8Array(9) } as PrecertEntry })[0]!,
      /can’t be read/,
    )
  })
})

describe('an entry that is not on record', () => {
  let log: TestLog
  let store: MemoryStore
  let leaf: TileLeaf

  beforeEach(async () => {
    const ca = await TestCa.create({ trustDomain: 'service.datapunk' })
    const { tbs, der: precertificate } = (await ca.leaf('lake')).certificate
    const entry = precertEntry({ tbs, issuerKeyHash: sha256(ca.issuing.certificate.spki) })
    leaf = { entry, precertificate, leafIndex: 3, timestamp: 0, chain: [] }
    log = await TestLog.create()
    store = new MemoryStore()
    const mesh = { meshId: '00'.repeat(16), trustDomain: 'service.datapunk', environment: '' }
    await store.write((transaction) => {
      const rest = { generation: 1, createdAt: 0, halted: undefined, backedUpAt: undefined }
      transaction.createMesh({ ...mesh, ...rest })
    })
  })

  const restored = (entry: { readonly madeAt?: string }) =>
    store.write((transaction) => {
      transaction.changeMesh({ generation: 2 })
      transaction.addAudit({ at: RESTORE, actor: 'restore', deed: 'restored', entry })
    })

  const kindsAt = async (timestamp: number, state: SlotRow['state'] = 'retiring') => {
    const { spki } = log.signer
    await store.write((transaction) =>
      transaction.putSlot({
        ...{ id: 'log-1', kind: 'log', state, algorithm: 'ecdsa-p256', spki, certificate: undefined },
        ...{ spkiHash: Buffer.from(sha256(spki)).toString('hex'), since: RESTORE, leftOut: [] },
      }),
    )
    return compareEntry({ ...leaf, timestamp }, { store, config, log: spki }).map(({ kind }) => kind)
  }

  test('is an alarm where nothing was restored, whatever became of the log', async () => {
    for (const state of ['active', 'retiring'] as const)
      assert.deepEqual(await kindsAt(BACKUP + HOUR, state), ['alarm'])
  })

  test('is none where it was logged between the backup and its restore', async () => {
    await restored({ madeAt: new Date(BACKUP).toISOString() })
    const wholeSecond = BACKUP - 400
    for (const time of [wholeSecond, BACKUP + HOUR, RESTORE])
      assert.deepEqual(await kindsAt(time), ['unrecorded'])
    for (const time of [wholeSecond - 1000, RESTORE + 1000]) assert.deepEqual(await kindsAt(time), ['alarm'])
  })

  test('is one in the log in use, whatever time that says', async () => {
    await restored({ madeAt: new Date(BACKUP).toISOString() })
    for (const state of ['active', 'prepared'] as const)
      assert.deepEqual(await kindsAt(BACKUP + HOUR, state), ['alarm'])
  })

  test('is none before a copied folder was gone on from: nobody knows how old the copy was', async () => {
    await restored({})
    assert.deepEqual(await kindsAt(BACKUP - HOUR), ['unrecorded'])
    assert.deepEqual(await kindsAt(RESTORE + HOUR), ['alarm'])
  })
})
