import { CompactTree } from './compact-tree.ts'
import type { TreeEdge } from './grow-tree.ts'
import { edgeTiles, hashAt, type TileId } from './tile.ts'
import { TlogError } from './tlog-error.ts'
import { HASH_SIZE, hashNode } from './tree-hash.ts'

/**
 * The right edge of a tree, as its tiles have it, at most one a level. Whether they are that tree's shows in `edge.tree.root()`.
 *
 * @param read a tile's octets
 * @throws TlogError `TILE_INVALID` where a tile is not as long as its width says; RangeError as `edgeTiles`
 */
export async function readEdge(
  size: number,
  read: (tile: TileId) => Promise<Uint8Array>,
): Promise<TreeEdge> {
  const partials: Uint8Array[] = []
  const subtrees: Uint8Array[] = []
  for (const tile of edgeTiles(size)) {
    const octets = await read(tile)
    if (octets.length !== tile.width * HASH_SIZE) throw wrongLength(tile, octets.length)
    while (partials.length < tile.level) partials.push(new Uint8Array())
    partials.push(octets)
    subtrees.unshift(...subtreesOf(octets, tile.width))
  }
  return { tree: new CompactTree(size, subtrees), partials }
}

/** The roots of the full subtrees that so many hashes form, the largest first. */
function subtreesOf(octets: Uint8Array, width: number): Uint8Array[] {
  const roots: Uint8Array[] = []
  let start = 0
  for (let span = 128; span >= 1; span /= 2) {
    if ((width & span) === 0) continue
    roots.push(rootOf(octets, start, span))
    start += span
  }
  return roots
}

/** @param span a power of two */
function rootOf(octets: Uint8Array, start: number, span: number): Uint8Array {
  if (span === 1) return hashAt(octets, start)
  return hashNode(rootOf(octets, start, span / 2), rootOf(octets, start + span / 2, span / 2))
}

function wrongLength({ level, index, width }: TileId, found: number): TlogError {
  return new TlogError(
    'TILE_INVALID',
    `found a tile of ${found} octets; allowed: the ${width * HASH_SIZE} of its ${width} hashes`,
    { data: { level, index, width } },
  )
}
