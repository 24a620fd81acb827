import { CompactTree } from './compact-tree.ts'
import type { TreeEdge } from './grow-tree.ts'
import { edgeTiles } from './tile.ts'
import { type ReadTile, TileReader } from './tile-reader.ts'
import { TlogError } from './tlog-error.ts'
import { sameHash } from './tree-hash.ts'

/**
 * The right edge of a tree from its partial tiles, to go on growing it. Tiles that don't hash to the root are refused:
 * what would grow from them is no tree that anyone saw.
 *
 * @throws TlogError `TILE_INVALID`, or `TILE_WRONG`
 */
export async function readEdge(
  { size, root }: { readonly size: number; readonly root: Uint8Array },
  read: ReadTile,
): Promise<TreeEdge> {
  const reader = new TileReader(size, read)
  const tree = new CompactTree(size, await reader.subtrees(0, size))
  if (!sameHash(tree.root(), root))
    throw new TlogError('TILE_WRONG', `the partial tiles of a tree of ${size} leaves don't hash to its root`)
  const partials: Uint8Array[] = []
  for (const tile of edgeTiles(size)) partials[tile.level] = await reader.tile(tile)
  return { tree, partials: Array.from(partials, (octets) => octets ?? new Uint8Array(0)) }
}
