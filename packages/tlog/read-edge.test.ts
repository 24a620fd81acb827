import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { growTree } from './grow-tree.ts'
import { readEdge } from './read-edge.ts'
import { numberedLeaves } from './testing/numbered-leaves.ts'
import { referenceRoot } from './testing/reference-tree.ts'
import { TileShelf } from './testing/tile-shelf.ts'
import { EMPTY_ROOT } from './tree-hash.ts'

describe('readEdge', () => {
  it('gives an edge that grows as the one that wrote the tiles', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.nat(1200), fc.constantFrom(255, 256, 65_536)), async (size) => {
        const shelf = new TileShelf()
        const root = shelf.grow(numberedLeaves(size))
        const more = numberedLeaves(300, size)
        const read = growTree(await readEdge({ size, root }, shelf.read), more)
        const kept = growTree(shelf.edge, more)
        assert.deepEqual(read.tiles, kept.tiles)
        assert.deepEqual(read.root, referenceRoot([...numberedLeaves(size), ...more]))
      }),
      { numRuns: 20 },
    )
  })

  it('reads nothing of an empty tree', async () => {
    const shelf = new TileShelf()
    const { tree } = await readEdge({ size: 0, root: EMPTY_ROOT }, shelf.read)
    assert.equal(tree.size, 0)
    assert.deepEqual(shelf.asked, [])
  })

  it('refuses tiles that are of another tree', async () => {
    const shelf = new TileShelf()
    shelf.grow(numberedLeaves(300))
    const root = referenceRoot(numberedLeaves(300, 1))
    await assert.rejects(readEdge({ size: 300, root }, shelf.read), { code: 'TILE_WRONG' })
  })
})
