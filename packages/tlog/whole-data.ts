import type { Checkpoint } from './checkpoint.ts'
import { EMPTY_EDGE, growTree } from './grow-tree.ts'
import type { LogStore } from './log-store.ts'
import { TILE_WIDTH, type Tile, tilesFor } from './tile.ts'
import { dataTilePath, parseTilePath, partialFolders, tilePath } from './tile-path.ts'
import { sameHash } from './tree-hash.ts'

type Reading = Pick<LogStore, 'read' | 'list'>

/**
 * Whether the data are those of one checkpoint: all of its entries and tiles are there and lead to its root, and none are of a
 * later one. Reads everything once.
 *
 * @param leavesOf the hashes of the leaves of a data tile
 */
export async function isWholeAt(
  { size, root }: Pick<Checkpoint, 'size' | 'root'>,
  store: Reading,
  leavesOf: (records: Uint8Array) => readonly Uint8Array[],
): Promise<boolean> {
  if (await goesBeyond(size, store)) return false
  const kept = new Set(tilesFor(0, size).map(tilePath))
  let grown = growTree(EMPTY_EDGE, [])
  for (let first = 0; first < size; first += TILE_WIDTH) {
    const width = Math.min(TILE_WIDTH, size - first)
    const records = await store.read(dataTilePath(first / TILE_WIDTH, width))
    const leaves = records && readable(() => leavesOf(records))
    if (leaves?.length !== width) return false
    grown = growTree(grown.edge, leaves)
    for (const tile of grown.tiles)
      if (kept.has(tilePath(tile)) && !(await isThere(tile, store))) return false
  }
  return sameHash(grown.root, root)
}

async function isThere(tile: Tile, store: Reading): Promise<boolean> {
  const octets = await store.read(tilePath(tile))
  return octets !== undefined && Buffer.compare(octets, tile.octets) === 0
}

/** The first tile that a later checkpoint has is a wider one in the place of the last, or the full one that it became. */
async function goesBeyond(size: number, store: Reading): Promise<boolean> {
  const index = Math.floor(size / TILE_WIDTH)
  if ((await store.read(dataTilePath(index, TILE_WIDTH))) !== undefined) return true
  for (const folder of partialFolders({ level: 0, index }))
    for (const path of await store.list(folder)) if (widthOf(path) > size % TILE_WIDTH) return true
  return false
}

function widthOf(path: string): number {
  const named = parseTilePath(path)
  if (named === undefined) return 0
  return named.kind === 'data' ? named.width : named.tile.width
}

/** Undefined for records that are none. */
function readable<Result>(read: () => Result): Result | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
