import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { EMPTY_EDGE, growTree } from './grow-tree.ts'
import { readEdge } from './read-edge.ts'
import { numberedLeaves } from './testing/numbered-leaves.ts'
import type { TileId } from './tile.ts'
import { tilePath } from './tile-path.ts'

describe('readEdge', () => {
  it('finds in the tiles what growing the tree has kept', async () => {
    const sizes = fc.oneof(fc.nat(1_000), fc.constantFrom(0, 1, 255, 256, 257, 65_536, 65_537, 66_049))
    await fc.assert(
      fc.asyncProperty(sizes, async (size) => {
        const grown = growTree(EMPTY_EDGE, numberedLeaves(size))
        const tiles = new Map(grown.tiles.map((tile) => [tilePath(tile), tile.octets]))
        const edge = await readEdge(size, async (tile: TileId) => tiles.get(tilePath(tile))!)
        assert.deepEqual(edge.tree.encode(), grown.edge.tree.encode())
        const kept = grown.edge.partials.map((octets) => Buffer.from(octets).toString('hex'))
        while (kept.at(-1) === '') kept.pop()
        assert.deepEqual(edge.partials.map((octets) => Buffer.from(octets).toString('hex')), kept)
      }),
      { numRuns: 25 },
    )
  })

  it('refuses a tile that is cut short', async () => {
    await assert.rejects(
      readEdge(3, async () => new Uint8Array(64)),
      { code: 'TILE_INVALID' },
    )
  })
})
