import assert from 'node:assert/strict'
import { before, beforeEach, describe, test } from 'node:test'
import { encodeTileLeaf, precertEntry, sha256, type TileLeaf, withoutPoison } from '@datapunk/pki'
import { TestCa, type TestIdentity, TestLog, testExtension } from '@datapunk/testkit'
import { signCheckpoint } from '@datapunk/tlog'
import { issuerPath, leafHash, readCheckpoint, readEntries } from './read-log.ts'
import { verifyLog } from './verify-log.ts'

const ORIGIN = 'log.test/1'

describe('a whole log', () => {
  let ca: TestCa
  let lake: TestIdentity
  let nexus: TestIdentity
  let log: TestLog
  let files: Map<string, Uint8Array>

  before(async () => {
    ca = await TestCa.create()
    const extensions = { poison: testExtension.poison() }
    lake = await ca.leaf('lake', { extensions })
    nexus = await ca.leaf('nexus', { extensions })
  })

  beforeEach(async () => {
    log = await TestLog.create()
    files = new Map()
  })

  const entriesOf = (count: number): TileLeaf[] => {
    const issuerKeyHash = sha256(ca.issuing.certificate.spki)
    const entry = precertEntry({ tbs: withoutPoison(lake.certificate.tbs), issuerKeyHash })
    const chain = [ca.issuing, ca.root].map(({ der }) => sha256(der))
    return Array.from({ length: count }, (_, leafIndex) => ({
      ...{ entry, leafIndex, timestamp: ca.at + leafIndex, precertificate: lake.der, chain },
    }))
  }

  /** The log has signed these, whatever they are. */
  const show = async (entries: readonly TileLeaf[]) => {
    log.leaves.push(...entries.map(leafHash))
    log.records.push(...entries.map(encodeTileLeaf))
    files = await log.files(ORIGIN, ca.at + 1000)
    for (const { der } of [ca.issuing, ca.root]) files.set(issuerPath(sha256(der)), der)
  }

  const verify = (onEntry: (entry: TileLeaf) => void = () => {}, read = (path: string) => files.get(path)) =>
    verifyLog(async (path) => read(path), { spki: log.signer.spki, origin: ORIGIN }, { onEntry })

  test('is read once, all of it, and every entry told in order', async () => {
    await show(entriesOf(513))
    const paths: string[] = []
    const told: number[] = []
    const checkpoint = await verify(
      ({ leafIndex }) => told.push(leafIndex),
      (path) => {
        paths.push(path)
        return files.get(path)
      },
    )
    assert.equal(checkpoint?.size, 513)
    assert.deepEqual(told, [...Array(513).keys()])
    assert.deepEqual(paths.sort(), [...files.keys()].sort())
  })

  test('may be empty', async () => {
    assert.equal(await verify(() => assert.fail()), undefined)
  })

  for (const [what, lie, message] of [
    ['in another’s place', { leafIndex: 2 }, /entry 1 says it is another/],
    ['of before the one before it', { timestamp: 1 }, /entry 1 is not of its time/],
    ['of after its checkpoint', { timestamp: 2 ** 42 }, /entry 1 is not of its time/],
  ] as const)
    test(`is wrong with an entry ${what}, though the log has signed it`, async () => {
      const [first, second] = entriesOf(2) as [TileLeaf, TileLeaf]
      await show([first, { ...second, ...lie }])
      await assert.rejects(verify(), { code: 'LOG_WRONG', message })
    })

  test('is wrong with the precertificate of another beside an entry', async () => {
    const [first, second] = entriesOf(2) as [TileLeaf, TileLeaf]
    await show([first, { ...second, precertificate: nexus.der }])
    const another = { code: 'LOG_WRONG', message: /beside entry 1 is another/ }
    await assert.rejects(verify(), another)
    const read = async (path: string) => files.get(path)
    const checkpoint = await readCheckpoint(read, { spki: log.signer.spki, origin: ORIGIN })
    await assert.rejects(readEntries(read, checkpoint!, 0), another)
  })

  const tile = 'tile/0/000.p/3'
  const data = 'tile/data/000.p/3'
  for (const [what, change, message] of [
    ['a tile is missing', () => files.delete(tile), /tile\/0.*it is missing/],
    ['a tile is another', () => files.set(tile, Buffer.alloc(96)), /not what the entries under it make/],
    ['entries are missing', () => files.delete(data), /tile\/data.*it is missing/],
    [
      'it has too few entries',
      () => files.set(data, Buffer.concat(log.records.slice(0, 2))),
      /2 entries, not 3/,
    ],
    ['an issuer is missing', () => files.delete(issuerPath(sha256(ca.root.der))), /issuer.*it is missing/],
    [
      'an issuer is another',
      () => files.set(issuerPath(sha256(ca.root.der)), ca.issuing.der),
      /issuer.*it is another certificate/,
    ],
    [
      'an entry is another',
      () => {
        const [, , last] = entriesOf(3) as [TileLeaf, TileLeaf, TileLeaf]
        const another = encodeTileLeaf({ ...last, timestamp: last.timestamp + 1 })
        files.set(data, Buffer.concat([...log.records.slice(0, 2), another]))
      },
      /not what the entries under it make/,
    ],
    [
      'its checkpoint is of other entries',
      async () => {
        const other = { origin: ORIGIN, size: 3, root: Buffer.alloc(32), timestamp: ca.at + 1000 }
        files.set('checkpoint', await signCheckpoint(other, log.signer))
      },
      /make a tree with another root/,
    ],
  ] as const)
    test(`is wrong where ${what}`, async () => {
      await show(entriesOf(3))
      await change()
      await assert.rejects(verify(), { code: 'LOG_WRONG', message })
    })
})
