import { checkCount, HASH_SIZE } from './tree-hash.ts'

/** Hashes of a full tile: a subtree eight levels high (C2SP tlog-tiles, "Merkle Tree"). */
export const TILE_WIDTH = 256

/** Levels of nodes that one tile spans. */
export const TILE_HEIGHT = 8

/** The highest level that a tree of at most 2^53 - 1 leaves has tiles of. */
export const TOP_LEVEL = 6

/**
 * One tile: `width` consecutive hashes of full subtrees of 256^level leaves each, from number `index * 256` on.
 *
 * @see C2SP tlog-tiles, "Merkle Tree"
 */
export interface TileId {
  /** From 0, where the hashes are those of leaves, to 6. */
  readonly level: number
  readonly index: number
  /** From 1 to 256; less than 256 is a partial tile, which later sizes of the tree replace. */
  readonly width: number
}

/** A tile's hashes, `32 * width` octets. */
export interface Tile extends TileId {
  readonly octets: Uint8Array
}

/** How many hashes the tiles of a level hold together. */
export function hashesAt(level: number, size: number): number {
  return Math.floor(size / TILE_WIDTH ** level)
}

/** The tile of a level and an index as a tree of this size has it; undefined when it has none there. */
export function tileAt(level: number, index: number, size: number): TileId | undefined {
  const width = Math.min(TILE_WIDTH, hashesAt(level, size) - index * TILE_WIDTH)
  return width < 1 ? undefined : { level, index, width }
}

/**
 * The tiles that a growth newly makes, full and partial, level after level from the leaves up, each level from the
 * left. No tile that a tree of `fromSize` had is among them.
 *
 * @throws RangeError a size is no whole number, or the tree shrinks
 */
export function tilesFor(fromSize: number, toSize: number): TileId[] {
  checkCount(fromSize, 'size')
  checkCount(toSize, 'size')
  if (toSize < fromSize) throw new RangeError(`a tree of ${fromSize} leaves can't shrink to ${toSize}`)
  const tiles: TileId[] = []
  for (let level = 0; hashesAt(level, fromSize) < hashesAt(level, toSize); level++) {
    let index = Math.floor(hashesAt(level, fromSize) / TILE_WIDTH)
    for (let tile = tileAt(level, index, toSize); tile; tile = tileAt(level, ++index, toSize))
      tiles.push(tile)
  }
  return tiles
}

/**
 * The partial tiles of a tree, at most one a level, from the leaves up. They hold every subtree that a new leaf may
 * complete: growing the tree needs no others.
 *
 * @throws RangeError the size is no whole number
 */
export function edgeTiles(size: number): TileId[] {
  checkCount(size, 'size')
  const tiles: TileId[] = []
  for (let level = 0; hashesAt(level, size) > 0; level++) {
    const width = hashesAt(level, size) % TILE_WIDTH
    if (width > 0) tiles.push({ level, index: Math.floor(hashesAt(level, size) / TILE_WIDTH), width })
  }
  return tiles
}

/** The hash at a place of a tile, without a copy. */
export function hashAt(tile: Uint8Array, place: number): Uint8Array {
  return tile.subarray(place * HASH_SIZE, (place + 1) * HASH_SIZE)
}
