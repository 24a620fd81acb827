import { readProvenTile } from './proven-tile.ts'
import { tileAt } from './tile.ts'
import { tilePath } from './tile-path.ts'
import type { ReadTile } from './tile-reader.ts'
import { treeRoot } from './tile-tree.ts'
import { HASH_SIZE } from './tree-hash.ts'
import type { TreeRoot } from './verify-proof.ts'

/**
 * Whether everything that was in a tree is in a later one still, in its place. Tiles are signed by nobody, so each is proven to be
 * of the later tree; that its beginning is the earlier one is then computed.
 *
 * @param read tiles of the later tree
 * @throws TlogError `TILE_INVALID`, `TILE_WRONG` where what was read proves nothing; and what `read` throws
 */
export async function follows(before: TreeRoot, next: TreeRoot, read: ReadTile): Promise<boolean> {
  if (next.size < before.size) return false
  if (next.size === before.size) return Buffer.compare(next.root, before.root) === 0
  const readOnce = remembering(read)
  const beginning = await treeRoot(before.size, async ({ level, index, width }) => {
    const tile = tileAt(level, index, next.size)!
    return (await readProvenTile(tile, next, readOnce)).subarray(0, width * HASH_SIZE)
  })
  return Buffer.compare(beginning, before.root) === 0
}

/** Each tile is read once. */
function remembering(read: ReadTile): ReadTile {
  const tiles = new Map<string, ReturnType<ReadTile>>()
  return (tile) => {
    const path = tilePath(tile)
    const known = tiles.get(path) ?? read(tile)
    tiles.set(path, known)
    return known
  }
}
