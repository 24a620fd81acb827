import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { EMPTY_EDGE, growTree } from './grow-tree.ts'
import { numberedLeaves } from './testing/numbered-leaves.ts'
import { referenceRoot } from './testing/reference-tree.ts'
import { TileShelf } from './testing/tile-shelf.ts'
import { type TileId, tilesFor } from './tile.ts'
import { EMPTY_ROOT } from './tree-hash.ts'

const growth = fc.array(fc.oneof(fc.nat(3), fc.nat(700), fc.constantFrom(255, 256, 257)), { maxLength: 8 })

describe('growTree', () => {
  it('leaves a tree as it is without new leaves', () => {
    const { root, tiles, size } = growTree(EMPTY_EDGE, [])
    assert.deepEqual(root, EMPTY_ROOT)
    assert.deepEqual([tiles, size], [[], 0])
  })

  it('makes the tiles and roots that the definition makes, in whatever steps it grows', () => {
    fc.assert(
      fc.property(growth, (steps) => {
        let edge = EMPTY_EDGE
        const leaves = numberedLeaves(steps.reduce((sum, step) => sum + step, 0))
        for (const step of steps) {
          const before = edge.tree.size
          const grown = growTree(edge, leaves.slice(before, before + step))
          assert.deepEqual(grown.root, referenceRoot(leaves.slice(0, grown.size)))
          assert.deepEqual(
            grown.tiles.map(({ level, index, width }) => ({ level, index, width })),
            tilesFor(before, grown.size),
          )
          for (const tile of grown.tiles) assert.deepEqual(tile.octets, referenceTile(tile, leaves))
          edge = grown.edge
        }
      }),
      { numRuns: 30 },
    )
  })

  it('grows the same tree twice from one edge, as after a store that failed', () => {
    const { edge } = growTree(EMPTY_EDGE, numberedLeaves(300))
    const once = growTree(edge, numberedLeaves(300, 300))
    const again = growTree(edge, numberedLeaves(300, 300))
    assert.deepEqual(again.tiles, once.tiles)
    assert.deepEqual(again.root, once.root)
    assert.equal(edge.tree.size, 300)
  })

  it('fills the third level', () => {
    const shelf = new TileShelf()
    shelf.grow(numberedLeaves(70_000))
    assert.equal(shelf.tiles.size, 273 + 1 + 1 + 1 + 1)
    assert.deepEqual(
      shelf.edge.partials.map((octets) => octets.length / 32),
      [112, 17, 1],
    )
    assert.deepEqual(
      shelf.tiles.get('tile/2/000.p/1'),
      Uint8Array.from(referenceRoot(numberedLeaves(65_536))),
    )
  })
})

/** C2SP tlog-tiles: MTH(D[(n * 256 + i) * 256**l : (n * 256 + i + 1) * 256**l]) for each i. */
function referenceTile({ level, index, width }: TileId, leaves: readonly Uint8Array[]): Uint8Array {
  const span = 256 ** level
  const hashes = Array.from({ length: width }, (_, i) => (index * 256 + i) * span)
  return new Uint8Array(
    Buffer.concat(hashes.map((start) => referenceRoot(leaves.slice(start, start + span)))),
  )
}
