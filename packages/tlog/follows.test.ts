import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compareTrees, follows } from './follows.ts'
import { EMPTY_EDGE, growTree } from './grow-tree.ts'
import { tilePath } from './tile-path.ts'
import { hashLeaf } from './tree-hash.ts'

const leaf = (n: number) => hashLeaf(Buffer.from(String(n)))
const leaves = (size: number) => Array.from({ length: size }, (_, n) => leaf(n))

function treeOf(hashes: readonly Uint8Array[]) {
  const { size, root, tiles } = growTree(EMPTY_EDGE, hashes)
  const octets = new Map(tiles.map((tile) => [tilePath(tile), tile.octets]))
  return { size, root, octets, read: async (id: Parameters<typeof tilePath>[0]) => octets.get(tilePath(id))! }
}

test('a tree follows each of its beginnings, and nothing else', async () => {
  for (const [before, size] of [
    [1, 1],
    [1, 2],
    [3, 255],
    [255, 256],
    [256, 257],
    [300, 1000],
  ] as const) {
    const [early, late] = [treeOf(leaves(before)), treeOf(leaves(size))]
    assert.equal(await follows(early, late, late.read), true, `${before} in ${size}`)
    const other = treeOf(leaves(before).with(before - 1, leaf(-1)))
    assert.equal(await follows(other, late, late.read), false)
    if (size > before) assert.equal(await follows(late, early, early.read), false)
  }
})

test('a smaller tree is an older one only where its time says so too, and the larger one holds it', async () => {
  const late = { ...treeOf(leaves(300)), timestamp: 2000 }
  const early = { ...treeOf(leaves(3)), timestamp: 1000 }
  const fork = treeOf(leaves(3).with(1, leaf(-1)))
  for (const [next, found] of [
    [early, 'outdated'],
    [{ ...early, timestamp: 2000 }, 'outdated'],
    [{ ...early, timestamp: 2001 }, 'contradicts'],
    [{ ...fork, timestamp: 1000 }, 'contradicts'],
    [late, 'follows'],
    [{ ...late, root: early.root }, 'contradicts'],
  ] as const)
    assert.equal(await compareTrees(late, next, late.read), found)
  assert.equal(await compareTrees(early, late, late.read), 'follows')
  assert.equal(await compareTrees({ ...fork, timestamp: 1000 }, late, late.read), 'contradicts')
})

test('a tile that is not of the later tree proves nothing, neither way', async () => {
  const [early, late] = [treeOf(leaves(300)), treeOf(leaves(600))]
  for (const [path, octets] of late.octets) {
    const damaged = Buffer.from(octets)
    damaged[5]! ^= 1
    const read = async (id: Parameters<typeof tilePath>[0]) =>
      tilePath(id) === path ? damaged : late.octets.get(tilePath(id))!
    const found = await follows(early, late, read).catch((error) => error.code)
    assert.ok(found === true || found === 'TILE_WRONG', `${path}: ${found}`)
  }
})
