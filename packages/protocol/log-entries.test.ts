import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeTileLeaf, parseDataTile } from '@datapunk/pki'
import { TestLog } from '@datapunk/testkit'
import { dataTilePath, EMPTY_EDGE, growTree } from '@datapunk/tlog'
import { readLogEntries, tilesOfEntries } from './log-entries.ts'

test('entries are those of the tree, in their places, and nothing else', async () => {
  const log = await TestLog.create()
  for (let at = 0; at < 258; at++)
    await log.sct({ tbs: Uint8Array.of(at >> 8, at & 0xff), issuerSpki: Uint8Array.of(1) }, at)
  const { root, size } = growTree(EMPTY_EDGE, log.leaves)
  const files = await log.files('log', 1)
  const entriesOf = (index: number) => readLogEntries(async (path) => files.get(path)!, { root, size }, index)
  const numbers = (await entriesOf(1)).map(({ leafIndex }) => leafIndex)
  assert.deepEqual([(await entriesOf(0)).length, numbers], [256, [256, 257]])
  await assert.rejects(entriesOf(2), RangeError)

  const path = dataTilePath(1, 2)
  const tile = files.get(path)!
  const [first, second] = parseDataTile(tile).map(encodeTileLeaf) as [Uint8Array, Uint8Array]
  const altered = Buffer.from(tile)
  altered[altered.indexOf(Uint8Array.of(1, 0))]! ^= 1
  for (const shown of [Buffer.concat([second, first]), first, altered]) {
    files.set(path, shown)
    await assert.rejects(entriesOf(1), { code: 'LOG_WRONG' })
  }
})

test('the tiles of entries are those that hold one of them', () => {
  for (const [from, size, tiles] of [
    [0, 0, []],
    [0, 1, [0]],
    [0, 256, [0]],
    [255, 257, [0, 1]],
    [256, 256, []],
    [700, 700, []],
    [511, 1025, [1, 2, 3, 4]],
  ] as const)
    assert.deepEqual([...tilesOfEntries(from, size)], tiles, `${from} to ${size}`)
})

test('however large a log claims to be, its tiles come one by one', () => {
  assert.deepEqual(
    tilesOfEntries(2 ** 41, 2 ** 53 - 1)
      .take(2)
      .toArray(),
    [2 ** 33, 2 ** 33 + 1],
  )
})
