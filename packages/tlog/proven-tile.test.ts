import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { readProvenTile } from './proven-tile.ts'
import { numberedLeaves } from './testing/numbered-leaves.ts'
import { TileShelf } from './testing/tile-shelf.ts'
import { type TileId, tilesFor } from './tile.ts'
import { tilePath } from './tile-path.ts'

const size = 70_000
const shelf = new TileShelf()
const root = shelf.grow(numberedLeaves(size))
const tiles = tilesFor(0, size)
const first: TileId = { level: 0, index: 0, width: 256 }

describe('readProvenTile', () => {
  it('gives every tile of a tree', async () => {
    for (const tile of tiles)
      assert.deepEqual(
        await readProvenTile(tile, { size, root }, shelf.read),
        shelf.tiles.get(tilePath(tile)),
      )
  })

  it('needs the partial tiles and those above, each once', async () => {
    shelf.asked.length = 0
    await readProvenTile(first, { size, root }, shelf.read)
    assert.deepEqual(shelf.asked.toSorted(), [
      'tile/0/000',
      'tile/0/273.p/112',
      'tile/1/000',
      'tile/1/001.p/17',
      'tile/2/000.p/1',
    ])
  })

  it('needs nothing but the tile in a tree of one', async () => {
    const small = new TileShelf()
    const tree = { size: 112, root: small.grow(numberedLeaves(112)) }
    await readProvenTile({ level: 0, index: 0, width: 112 }, tree, small.read)
    assert.deepEqual(small.asked, ['tile/0/000.p/112'])
  })

  it('refuses any bit changed in any tile it needs', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...tiles), fc.nat(), async (tile, any) => {
        const path = tilePath(tile)
        const read = (id: TileId) => {
          const octets = Uint8Array.from(shelf.read(id))
          if (tilePath(id) === path) (octets[any % octets.length] as number) ^= 1 << (any % 8)
          return octets
        }
        await assert.rejects(readProvenTile(tile, { size, root }, read), { code: 'TILE_WRONG' })
      }),
    )
  })

  it('refuses a changed tile above, and one cut off', async () => {
    for (const { path, cut, code } of [
      { path: 'tile/1/000', cut: 0, code: 'TILE_WRONG' },
      { path: 'tile/1/000', cut: 32, code: 'TILE_INVALID' },
    ]) {
      const read = (id: TileId) => (tilePath(id) === path ? new Uint8Array(8192 - cut) : shelf.read(id))
      await assert.rejects(readProvenTile(first, { size, root }, read), { code })
    }
  })

  it('is asked for tiles that the tree has', async () => {
    for (const tile of [
      { level: 0, index: 273, width: 111 },
      { level: 0, index: 274, width: 1 },
      { level: 3, index: 0, width: 1 },
    ])
      await assert.rejects(readProvenTile(tile, { size, root }, shelf.read), RangeError)
  })
})
