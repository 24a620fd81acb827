import { hashAt, TILE_WIDTH, type TileId, tileAt } from './tile.ts'
import { tilePath } from './tile-path.ts'
import { type ReadTile, rootWithin, TileReader } from './tile-reader.ts'
import { TlogError } from './tlog-error.ts'
import { checkCount, sameHash } from './tree-hash.ts'

/**
 * The octets of a tile of a tree, proven against the tree's root: the partial tiles must hash to the root, a full tile
 * to its hash in the proven tile above it. A small tree needs no other tile than the one asked for.
 *
 * @param tree size and root from a checkpoint whose signature was checked
 * @throws TlogError `TILE_INVALID` a tile is longer or shorter than it should be; `TILE_WRONG` one is not of this tree
 * @throws RangeError the tree has no such tile
 */
export async function readProvenTile(
  id: TileId,
  { size, root }: { readonly size: number; readonly root: Uint8Array },
  read: ReadTile,
): Promise<Uint8Array> {
  checkCount(size, 'size')
  if (tileAt(id.level, id.index, size)?.width !== id.width)
    throw new RangeError(`a tree of ${size} leaves has no ${tilePath(id)}`)
  const reader = new TileReader(size, read)
  if (!sameHash(await reader.range(0, size), root))
    throw new TlogError('TILE_WRONG', `the partial tiles of a tree of ${size} leaves don't hash to its root`)
  return proven(id, reader)
}

/** Partial tiles are proven already: they hashed to the root. */
async function proven(id: TileId, reader: TileReader): Promise<Uint8Array> {
  const octets = await reader.tile(id)
  if (id.width < TILE_WIDTH) return octets
  const above = tileAt(id.level + 1, Math.floor(id.index / TILE_WIDTH), reader.size) as TileId
  const hash = hashAt(await proven(above, reader), id.index % TILE_WIDTH)
  if (!sameHash(rootWithin(octets, 0, TILE_WIDTH), hash))
    throw new TlogError('TILE_WRONG', `${tilePath(id)} doesn't hash to what ${tilePath(above)} holds of it`)
  return octets
}
