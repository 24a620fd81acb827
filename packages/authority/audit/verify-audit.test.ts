import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { generateKeyPair, localSigner, sha256 } from '@datapunk/pki'
import { encodeAudit, sealBundleHead } from '@datapunk/protocol'
import { CompactTree, type TreeRoot } from '@datapunk/tlog'
import fc from 'fast-check'
import { auditLeaf } from '../store/audit-leaf.ts'
import type { AuditCheckpointRow, HashedRecord, PublishedBundleRow, SlotRow } from '../store/rows.ts'
import { verifyAudit } from './verify-audit.ts'

const COUNT = 40
/** More than can be arguments of one call. */
const MANY = 200_000
const { privateKey } = await generateKeyPair('ecdsa-p256')
const bundleKey = localSigner(privateKey)

/** An inventory as far as its audit, all of it open to whoever wants to change it. */
interface Tampered {
  records: HashedRecord[]
  tree: TreeRoot
  checkpoints: AuditCheckpointRow[]
  bundle: PublishedBundleRow
  section: Uint8Array
  keys: Uint8Array[]
}

function recordAt(number: number, entry = `{"serial":"${number}"}`): HashedRecord {
  const record = { number, at: 1000 * number, actor: 'up', deed: 'issued', entry }
  return { ...record, leaf: Buffer.from(auditLeaf(record)).toString('hex') }
}

function treeOf(records: readonly HashedRecord[]): TreeRoot {
  const tree = new CompactTree()
  for (const { leaf } of records) tree.append(Buffer.from(leaf, 'hex'))
  return { size: tree.size, root: tree.root() }
}

/** Forty entries, a bundle after every tenth; the last is signed, and five were written since. */
async function honest(): Promise<Tampered> {
  const records = Array.from({ length: COUNT + 5 }, (_, index) => recordAt(index + 1))
  const checkpoints = [10, 20, 30, 40].map((size, index) => ({
    ...{ generation: 1, counter: index + 1 },
    ...treeOf(records.slice(0, size)),
  }))
  const section = encodeAudit(checkpoints[3] as AuditCheckpointRow)
  const digest = Buffer.from(sha256(section)).toString('hex')
  const number = { generation: 1, counter: 4 }
  const head = await sealBundleHead(
    {
      ...{ meshId: '0'.repeat(32), format: 1, number, issuedAt: 1, expiresAt: 2 },
      trustStatement: { generation: 1, counter: 1 },
      sections: [{ kind: 'audit', critical: false, digest, size: section.byteLength }],
    },
    bundleKey,
  )
  const bundle = { ...number, head, issuedAt: 1, expiresAt: 2, sections: [digest] }
  return { records, tree: treeOf(records), checkpoints, bundle, section, keys: [bundleKey.spki] }
}

function faultsOf(tampered: Tampered) {
  return verdictOf(tampered).faults
}

function verdictOf(tampered: Tampered) {
  return verifyAudit(readerOf(tampered))
}

function readerOf({ records, tree, checkpoints, bundle, section, keys }: Tampered) {
  return {
    auditRecords: () => records,
    auditTree: () => tree,
    auditCheckpoints: () => checkpoints,
    bundle: () => bundle,
    section: () => section,
    slots: () => keys.map((spki) => ({ kind: 'bundle-key', spki }) as SlotRow),
  }
}

describe('the audit', () => {
  let audit: Tampered

  beforeEach(async () => {
    audit = await honest()
  })

  /** As after an entry was put in or taken out, so that there is no gap. */
  function renumber(): void {
    audit.records = audit.records.map((record, index) => ({ ...record, number: index + 1 }))
  }

  test('is good as it was written', () => {
    assert.deepEqual(verdictOf(audit), {
      ...{ entries: 45, root: Buffer.from(audit.tree.root).toString('hex') },
      ...{ bundles: 4, signedBy: '1.4', faults: [] },
    })
  })

  test('is good where nothing was written, or nothing published', () => {
    audit.records = []
    audit.tree = treeOf([])
    audit.checkpoints = []
    const verdict = verifyAudit({
      ...{ auditRecords: () => [], auditTree: () => audit.tree, auditCheckpoints: () => [] },
      ...{ bundle: () => undefined, section: () => undefined, slots: () => [] },
    })
    assert.deepEqual(verdict.faults, [])
    assert.equal(verdict.signedBy, undefined)
  })

  test('tells how far the check is', () => {
    audit.records = Array.from({ length: 20_001 }, (_, index) => recordAt(index + 1))
    const told: number[] = []
    verifyAudit(readerOf(audit), { checked: (entries) => told.push(entries) })
    assert.deepEqual(told, [10_000, 20_000])
  })

  test('takes as many bundles as a mesh may publish in its life, good and bad', () => {
    const { root } = treeOf(audit.records.slice(0, 32))
    const good = Array.from({ length: MANY }, (_, index) => ({
      ...{ generation: 1, counter: index + 1 },
      ...{ size: 32, root },
    }))
    const checkpoints = [...good, ...audit.checkpoints.slice(3)]
    assert.deepEqual(faultsOf({ ...audit, checkpoints }), [])
    // Nothing leads to the last mark, nor to any of these.
    const records = audit.records.with(44, recordAt(45, '{}'))
    const bad = good.map((mark) => ({ ...mark, root: new Uint8Array(32) }))
    const faults = faultsOf({ ...audit, records, checkpoints: [...bad, ...checkpoints] })
    assert.equal(faults.length, MANY + 1)
    assert.deepEqual(faults.at(-1), { kind: 'rewritten', from: 41, to: 45 })
  })

  test('shows an entry that was changed, whatever was changed of it', () => {
    for (const change of [{ entry: '{}' }, { actor: 'me' }, { deed: 'revoked' }, { at: 7 }] as const) {
      const records = audit.records.with(16, { ...audit.records[16], ...change } as HashedRecord)
      assert.deepEqual(faultsOf({ ...audit, records }), [{ kind: 'changed', from: 17, to: 17 }])
    }
  })

  test('shows an entry that was taken out', () => {
    audit.records.splice(16, 1)
    assert.deepEqual(faultsOf(audit), [{ kind: 'missing', from: 17, to: 17 }])
  })

  test('shows one that was taken out, where the rest was numbered anew', () => {
    audit.records.splice(16, 1)
    renumber()
    assert.deepEqual(faultsOf(audit), [{ kind: 'missing', from: 17, to: 17 }])
  })

  test('shows that the last are gone, even where the inventory knows nothing of them', () => {
    audit.records.length = 38
    audit.tree = treeOf(audit.records)
    audit.checkpoints.pop()
    assert.deepEqual(faultsOf(audit), [{ kind: 'missing', from: 39, to: 40 }])
  })

  test('shows an entry that was put in, and the rest pushed along', () => {
    audit.records.splice(16, 0, recordAt(17, '{"serial":"mine"}'))
    renumber()
    assert.deepEqual(faultsOf(audit), [{ kind: 'inserted', from: 17, to: 17 }])
  })

  test('shows one that was put at the end, its own hash or another’s with it', () => {
    const copy = { ...(audit.records[44] as HashedRecord), number: 46 }
    for (const added of [recordAt(46, '{"serial":"mine"}'), copy])
      assert.deepEqual(faultsOf({ ...audit, records: [...audit.records, added] }), [
        { kind: 'inserted', from: 46, to: 46 },
      ])
  })

  test('shows an entry of which only the hash was changed, and that alone', () => {
    audit.records[16] = { ...(audit.records[16] as HashedRecord), leaf: '00'.repeat(32) }
    assert.deepEqual(faultsOf(audit), [{ kind: 'changed', from: 17, to: 17 }])
  })

  test('goes on to the entries that were written since it began', () => {
    const grown = [...audit.records, recordAt(46), { ...recordAt(47), actor: 'me' }]
    const reader = readerOf({ ...audit, records: grown })
    let asked = 0
    const auditTree = () => (asked++ === 0 ? audit.tree : treeOf(grown))
    assert.deepEqual(verifyAudit({ ...reader, auditTree }).faults, [{ kind: 'changed', from: 47, to: 47 }])
  })

  for (const [one, other] of [
    [17, 18],
    [44, 45],
    [3, 41],
  ] as const) {
    for (const withHashes of [true, false]) {
      test(`shows that ${one} and ${other} changed places, hashes ${withHashes ? 'too' : 'not'}`, () => {
        const [a, b] = [audit.records[one - 1], audit.records[other - 1]] as [HashedRecord, HashedRecord]
        const keeping = (record: HashedRecord, { number, leaf }: HashedRecord) => ({
          ...record,
          number,
          leaf: withHashes ? record.leaf : leaf,
        })
        audit.records[one - 1] = keeping(b, a)
        audit.records[other - 1] = keeping(a, b)
        assert.deepEqual(faultsOf(audit), [
          { kind: 'moved', from: one, to: one, was: other },
          { kind: 'moved', from: other, to: other, was: one },
        ])
      })
    }
  }

  test('says between which bundles something was changed together with its hash', () => {
    audit.records[16] = recordAt(17, '{"serial":"mine"}')
    assert.deepEqual(faultsOf(audit), [{ kind: 'rewritten', from: 11, to: 20, bundle: '1.2' }])
  })

  test('says so too where the whole tree was made anew: the signed bundle still knows', () => {
    audit.records[16] = recordAt(17, '{"serial":"mine"}')
    audit.tree = treeOf(audit.records)
    audit.checkpoints = audit.checkpoints.map((row) => ({
      ...row,
      ...treeOf(audit.records.slice(0, row.size)),
    }))
    assert.deepEqual(faultsOf(audit), [{ kind: 'rewritten', from: 31, to: 40, bundle: '1.4' }])
  })

  test('says what was changed since the last bundle', () => {
    audit.records[42] = recordAt(43, '{"serial":"mine"}')
    assert.deepEqual(faultsOf(audit), [{ kind: 'rewritten', from: 41, to: 45 }])
  })

  test('says that a checkpoint was changed, where a later signed one vouches for the entries', () => {
    audit.checkpoints[1] = { ...(audit.checkpoints[1] as AuditCheckpointRow), root: new Uint8Array(32) }
    assert.deepEqual(faultsOf(audit), [{ kind: 'checkpoint', from: 20, to: 20, bundle: '1.2' }])
  })

  test('names every entry that was changed, and many as a span', () => {
    audit.records = audit.records.map((record) => ({ ...record, actor: 'me' }))
    assert.equal(faultsOf(audit).length, 45)
    const many = Array.from({ length: 400 }, (_, index) => ({ ...recordAt(index + 1), actor: 'me' }))
    const faults = faultsOf({ ...audit, records: many, tree: treeOf(many), checkpoints: [] })
    assert.deepEqual(
      faults.filter(({ from }) => from > 256),
      [{ kind: 'changed', from: 257, to: 400 }],
    )
  })

  test('is not held against a bundle that was changed', () => {
    const refused = { code: 'AUDIT_CHANGED', message: /bundle 1\.4/ }
    assert.throws(() => faultsOf({ ...audit, keys: [] }), refused)
    assert.throws(
      () => faultsOf({ ...audit, section: encodeAudit({ size: 1, root: new Uint8Array(32) }) }),
      refused,
    )
  })

  test('never passes with anything in it changed', () => {
    fc.assert(
      fc.property(
        fc.nat(COUNT + 4),
        fc.constantFrom('entry', 'actor', 'leaf', 'gone', 'twice'),
        (index, what) => {
          const record = audit.records[index] as HashedRecord
          const records = audit.records.slice()
          if (what === 'gone') records.splice(index, 1)
          else if (what === 'twice') records.splice(index + 1, 0, { ...record, number: COUNT + 6 })
          else records[index] = { ...record, [what]: what === 'leaf' ? '00'.repeat(32) : '{"x":1}' }
          assert.notDeepEqual(
            faultsOf({ ...audit, records: records.sort((a, b) => a.number - b.number) }),
            [],
          )
        },
      ),
    )
  })
})
