import { hashAt, TILE_HEIGHT, TILE_WIDTH, type TileId, tileAt } from './tile.ts'
import { tilePath } from './tile-path.ts'
import { TlogError } from './tlog-error.ts'
import { HASH_SIZE, hashNode } from './tree-hash.ts'

/** Brings the octets of a tile, from a store or a server. What it throws is handed on. */
export type ReadTile = (tile: TileId) => Uint8Array | Promise<Uint8Array>

/** The hashes of one tree, from its tiles. It asks only for tiles that the tree has, and for each once at most. */
export class TileReader {
  readonly size: number
  readonly #read: ReadTile
  readonly #tiles = new Map<string, Promise<Uint8Array>>()

  constructor(size: number, read: ReadTile) {
    this.size = size
    this.#read = read
  }

  /**
   * @throws TlogError `TILE_INVALID` what was brought is longer or shorter than the tile
   */
  tile(id: TileId): Promise<Uint8Array> {
    const path = tilePath(id)
    let octets = this.#tiles.get(path)
    if (octets === undefined) {
      octets = this.#checked(id, path)
      this.#tiles.set(path, octets)
    }
    return octets
  }

  /**
   * The hash of the leaves from `start` up to `end`, without that one. `start` divides by the largest power of two that
   * `end - start` holds, as it does for every node of a tree.
   */
  async range(start: number, end: number): Promise<Uint8Array> {
    const subtrees = await this.subtrees(start, end)
    return subtrees.reduceRight((right, left) => hashNode(left, right))
  }

  /** The roots of the full subtrees that such leaves form, the largest first. */
  subtrees(start: number, end: number): Promise<Uint8Array[]> {
    return Promise.all(subtreesIn(start, end).map((subtree) => this.#subtree(subtree)))
  }

  async #checked(id: TileId, path: string): Promise<Uint8Array> {
    const octets = await this.#read(id)
    if (octets.length !== id.width * HASH_SIZE)
      throw new TlogError('TILE_INVALID', `${path} has ${octets.length} octets, not ${id.width * HASH_SIZE}`)
    return octets
  }

  async #subtree({ start, height }: Subtree): Promise<Uint8Array> {
    const level = Math.floor(height / TILE_HEIGHT)
    const first = start / TILE_WIDTH ** level
    const index = Math.floor(first / TILE_WIDTH)
    const octets = await this.tile(tileAt(level, index, this.size) as TileId)
    return rootWithin(octets, first % TILE_WIDTH, 2 ** (height % TILE_HEIGHT))
  }
}

/** 2^height leaves. */
interface Subtree {
  readonly start: number
  readonly height: number
}

function subtreesIn(start: number, end: number): Subtree[] {
  const subtrees: Subtree[] = []
  for (let from = start; from < end; from += 2 ** (subtrees.at(-1) as Subtree).height)
    subtrees.push({ start: from, height: heightOf(end - from) })
  return subtrees
}

/** The height of the largest full subtree that so many leaves hold. Math.log2 would round up just under a power. */
function heightOf(leaves: number): number {
  let height = 0
  while (2 ** (height + 1) <= leaves) height++
  return height
}

/** The hash of so many neighbouring hashes of a tile, a power of two. */
export function rootWithin(octets: Uint8Array, place: number, width: number): Uint8Array {
  if (width === 1) return hashAt(octets, place)
  const half = width / 2
  return hashNode(rootWithin(octets, place, half), rootWithin(octets, place + half, half))
}
