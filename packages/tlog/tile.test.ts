import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { edgeTiles, type TileId, tileAt, tilesFor } from './tile.ts'
import { tilePath } from './tile-path.ts'

const size = fc.oneof(fc.nat(70_000), fc.maxSafeNat())

describe('tilesFor', () => {
  it("names the tiles of C2SP's example of 70,000 leaves", () => {
    const tiles = tilesFor(0, 70_000)
    assert.equal(tiles.filter(({ level, width }) => level === 0 && width === 256).length, 273)
    assert.deepEqual(tiles.slice(273), [
      { level: 0, index: 273, width: 112 },
      { level: 1, index: 0, width: 256 },
      { level: 1, index: 1, width: 17 },
      { level: 2, index: 0, width: 1 },
    ])
  })

  it('names a full tile and its hash above when a tile fills up', () => {
    assert.deepEqual(tilesFor(255, 256).map(tilePath), ['tile/0/000', 'tile/1/000.p/1'])
    assert.deepEqual(tilesFor(256, 257).map(tilePath), ['tile/0/001.p/1'])
  })

  it('names each tile of a tree once, however the tree grew to it', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(2000), { maxLength: 6 }), (steps) => {
        let total = 0
        const sizes = [0, ...steps.map((step) => (total += step))]
        const paths = sizes.slice(1).flatMap((to, i) => tilesFor(sizes[i] as number, to).map(tilePath))
        assert.equal(new Set(paths).size, paths.length)
        for (const tile of tilesFor(0, total)) assert.ok(paths.includes(tilePath(tile)))
      }),
    )
  })

  it('names what one leaf makes in the largest tree', () => {
    const top = Number.MAX_SAFE_INTEGER
    assert.deepEqual(tilesFor(top - 1, top), [{ level: 0, index: 2 ** 45 - 1, width: 255 }])
  })

  it('is asked about a tree that only grows', () => {
    assert.throws(() => tilesFor(2, 1), RangeError)
    for (const count of [-1, 0.5, Number.NaN, 2 ** 53]) {
      assert.throws(() => tilesFor(0, count), RangeError)
      assert.throws(() => edgeTiles(count), RangeError)
    }
  })
})

describe('edgeTiles', () => {
  it('are the partial tiles, which together cover the whole tree', () => {
    fc.assert(
      fc.property(size, (leaves) => {
        const tiles = edgeTiles(leaves)
        for (const tile of tiles) assert.deepEqual(tileAt(tile.level, tile.index, leaves), tile)
        assert.equal(
          tiles.reduce((sum, { level, width }: TileId) => sum + BigInt(width) * 256n ** BigInt(level), 0n),
          BigInt(leaves),
        )
      }),
    )
  })
})

it('a tree has no tile beyond its last', () => {
  assert.equal(tileAt(0, 1, 256), undefined)
  assert.equal(tileAt(1, 0, 255), undefined)
  assert.deepEqual(tileAt(0, 0, 3), { level: 0, index: 0, width: 3 })
})
