import { readProvenTile } from './proven-tile.ts'
import type { SignedCheckpoint } from './signed-checkpoint.ts'
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

/** A tree as a log has signed it: which, and when. */
type SignedTree = Pick<SignedCheckpoint, 'size' | 'root' | 'timestamp'>

/**
 * What the tree that a log shows says of the log, by the one that it has shown before. The time of a log never goes back: what is
 * smaller and of a later time it has signed after the larger one.
 *
 * @param read tiles of the larger tree
 * @returns `outdated` where it is an older one that agrees: a cache may show it, or anybody on the way, and it is no evidence
 * @throws TlogError as `follows`
 */
export async function compareTrees(
  before: SignedTree,
  next: SignedTree,
  read: ReadTile,
): Promise<'follows' | 'outdated' | 'contradicts'> {
  if (next.size >= before.size) return (await follows(before, next, read)) ? 'follows' : 'contradicts'
  const mayBeOlder = next.timestamp <= before.timestamp
  return mayBeOlder && (await follows(next, before, read)) ? 'outdated' : 'contradicts'
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
