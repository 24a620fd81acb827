import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { numberedLeaves } from './testing/numbered-leaves.ts'
import { referencePath, referenceProof, referenceRoot } from './testing/reference-tree.ts'
import { TileShelf } from './testing/tile-shelf.ts'
import { type TileId, tileAt } from './tile.ts'
import { parseTilePath } from './tile-path.ts'
import { consistencyProof, inclusionProof, treeRoot } from './tile-tree.ts'
import { EMPTY_ROOT, hashNode } from './tree-hash.ts'

const leaves = numberedLeaves(70_000)
/** A log that published each of these sizes: their partial tiles are there, and no others. */
const published = [1, 2, 3, 7, 8, 255, 256, 257, 511, 512, 600, 1000, 65_535, 65_536, 65_537, 70_000]
const shelf = new TileShelf()
for (const [at, size] of published.entries()) shelf.grow(leaves.slice(published[at - 1] ?? 0, size))

const size = fc.constantFrom(...published)

/** What a call asks for is of the tree of that size, and asked for once. */
async function asking<T>(size: number, call: () => Promise<T>): Promise<T> {
  shelf.asked.length = 0
  const result = await call()
  assert.equal(new Set(shelf.asked).size, shelf.asked.length)
  for (const path of shelf.asked) {
    const { tile } = parseTilePath(path) as { tile: TileId }
    assert.deepEqual(tileAt(tile.level, tile.index, size), tile)
  }
  return result
}

describe('a tree over tiles', () => {
  it('has the root of the definition, from its partial tiles alone', async () => {
    for (const size of published) {
      const root = await asking(size, () => treeRoot(size, shelf.read))
      assert.deepEqual(plain([root]), plain([referenceRoot(leaves.slice(0, size))]))
      assert.ok(shelf.asked.every((path) => path.includes('.p/')))
    }
  })

  it('asks for nothing when it is empty', async () => {
    assert.deepEqual(await asking(0, () => treeRoot(0, shelf.read)), EMPTY_ROOT)
    assert.deepEqual(shelf.asked, [])
  })

  it('makes the inclusion proofs of the definition', async () => {
    await fc.assert(
      fc.asyncProperty(size, fc.nat(), async (size, any) => {
        const index = any % size
        const proof = await asking(size, () => inclusionProof(index, size, shelf.read))
        assert.deepEqual(plain(proof), plain(referencePath(index, leaves.slice(0, size))))
      }),
      { numRuns: 60 },
    )
  })

  it('makes the consistency proofs of the definition, between any two sizes', async () => {
    await fc.assert(
      fc.asyncProperty(size, fc.nat(), async (to, any) => {
        const from = 1 + (any % to)
        const proof = await asking(to, () => consistencyProof(from, to, shelf.read))
        assert.deepEqual(plain(proof), plain(referenceProof(from, leaves.slice(0, to))))
      }),
      { numRuns: 60 },
    )
  })

  it('counts beyond 32 bits', async () => {
    // A tree of one leaf over and over: each full subtree has the same hash as the others of its height.
    const heights = [leaves[0] as Uint8Array]
    for (let height = 1; height <= 48; height++)
      heights.push(hashNode(heights[height - 1] as Uint8Array, heights[height - 1] as Uint8Array))
    const read = ({ level, width }: TileId) =>
      Buffer.concat(Array.from({ length: width }, () => heights[8 * level] as Uint8Array))
    const size = 2 ** 40 + 1
    assert.deepEqual(
      await treeRoot(size, read),
      hashNode(heights[40] as Uint8Array, heights[0] as Uint8Array),
    )
    const proof = await inclusionProof(2 ** 39 + 12_345, size, read)
    assert.deepEqual(plain(proof), plain([...heights.slice(0, 40), heights[0] as Uint8Array]))
    assert.deepEqual(plain(await consistencyProof(2 ** 40, size, read)), plain([heights[0] as Uint8Array]))
    const wide = 2 ** 49 - 1
    const lowest = await inclusionProof(wide - 1, wide, read)
    assert.equal(lowest.length, 48)
  })

  it('refuses tiles of another length', async () => {
    for (const change of [-1, -32, 1, 32]) {
      const read = ({ width }: TileId) => Buffer.alloc(32 * width + change)
      const refusal = { code: 'TILE_INVALID' }
      await assert.rejects(treeRoot(1000, read), refusal)
      await assert.rejects(inclusionProof(0, 1000, read), refusal)
      await assert.rejects(consistencyProof(3, 1000, read), refusal)
    }
  })

  it('hands on what the reader throws', async () => {
    const read = () => Promise.reject(new Error('no such file'))
    await assert.rejects(inclusionProof(0, 1000, read), /no such file/)
  })

  it('is asked about what it has', async () => {
    assert.throws(() => inclusionProof(3, 3, shelf.read), RangeError)
    assert.throws(() => consistencyProof(0, 3, shelf.read), RangeError)
    assert.throws(() => consistencyProof(4, 3, shelf.read), RangeError)
    await assert.rejects(treeRoot(-1, shelf.read), RangeError)
  })
})

function plain(hashes: readonly Uint8Array[]): string[] {
  return hashes.map((hash) => Buffer.from(hash).toString('hex'))
}
