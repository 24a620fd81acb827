import { merkleTreeLeaf, parseDataTile, type TileLeaf } from '@datapunk/pki'
import {
  dataTilePath,
  hashLeaf,
  readProvenTile,
  TILE_WIDTH,
  type TreeRoot,
  tileAt,
  tilePath,
} from '@datapunk/tlog'
import { ProtocolError } from './error.ts'

/** Brings an object of a log by its path (C2SP static-ct-api); throws where it can't. None of it is believed without proof. */
export type ReadLogObject = (path: string, maxBytes: number) => Promise<Uint8Array>

/** 256 entries of at most 64 kB. */
const MAX_DATA_TILE = 16 * 1024 * 1024

const HASH_OCTETS = 32

/**
 * The entries of one data tile, proven against a tree.
 *
 * @param tree size and root of a checkpoint whose signature was checked
 * @param index of the tile: its first entry has 256 times that number
 * @throws ProtocolError `LOG_WRONG` where its entries are not those of the tree; TlogError `TILE_INVALID`, `TILE_WRONG`;
 *   PkiError `TRANSPARENCY_MALFORMED`; RangeError where the tree has no such tile
 */
export async function readLogEntries(
  read: ReadLogObject,
  tree: TreeRoot,
  index: number,
): Promise<readonly TileLeaf[]> {
  const tile = tileAt(0, index, tree.size)
  if (tile === undefined) throw new RangeError(`a log of ${tree.size} entries has no tile ${index}`)
  const hashes = await readProvenTile(tile, tree, (id) => read(tilePath(id), id.width * HASH_OCTETS))
  const path = dataTilePath(index, tile.width)
  const entries = parseDataTile(await read(path, MAX_DATA_TILE))
  const leaves = entries.map((entry) => hashLeaf(merkleTreeLeaf(entry)))
  const isInPlace = entries.every(({ leafIndex }, at) => leafIndex === index * TILE_WIDTH + at)
  if (isInPlace && Buffer.compare(Buffer.concat(leaves), hashes) === 0) return entries
  throw new ProtocolError('LOG_WRONG', `${path} of the log does not hold the entries of its tree`, {
    data: { path },
  })
}

/** The tiles in which the entries from one number up to another lie, by their indices. None is kept at hand: a size is only a claim. */
export function* tilesOfEntries(from: number, size: number): Generator<number, void> {
  if (from >= size) return
  for (let tile = Math.floor(from / TILE_WIDTH); tile * TILE_WIDTH < size; tile++) yield tile
}
