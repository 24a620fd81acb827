import { CompactTree } from './compact-tree.ts'
import { hashesAt, TILE_HEIGHT, TILE_WIDTH, type Tile, type TileId, tilesFor } from './tile.ts'
import { HASH_SIZE } from './tree-hash.ts'

/** All that growing a tree needs. Nothing in it changes: a growth that could not be stored is made again from it. */
export interface TreeEdge {
  readonly tree: CompactTree
  /** The octets of each level's partial tile, by level; empty where a level has none. */
  readonly partials: readonly Uint8Array[]
}

export interface TreeGrowth {
  readonly edge: TreeEdge
  readonly size: number
  readonly root: Uint8Array
  /** The tiles that are new, as `tilesFor` names and orders them. */
  readonly tiles: readonly Tile[]
}

/** The edge of a tree without leaves. */
export const EMPTY_EDGE: TreeEdge = { tree: new CompactTree(), partials: [] }

/**
 * Appends leaves. It takes one hash for each new node, and as much memory as the new tiles: the size of the tree
 * doesn't matter.
 *
 * @param leafHashes 32 octets each
 */
export function growTree(edge: TreeEdge, leafHashes: readonly Uint8Array[]): TreeGrowth {
  const from = edge.tree.size
  const size = from + leafHashes.length
  const rows = rowsBetween(edge, size)
  const tree = edge.tree.copy()
  for (const leafHash of leafHashes)
    tree.append(leafHash, (height, hash) => {
      if (height % TILE_HEIGHT === 0) rows[height / TILE_HEIGHT]?.push(hash)
    })
  return {
    edge: { tree, partials: rows.map((row, level) => row.last(hashesAt(level, size) % TILE_WIDTH)) },
    size,
    root: tree.root(),
    tiles: tilesFor(from, size).map((id) => ({ ...id, octets: (rows[id.level] as Row).cut(id) })),
  }
}

/** A row for each level of the grown tree, with the hashes of the partial tiles in it, and room for the new ones. */
function rowsBetween({ tree, partials }: TreeEdge, size: number): Row[] {
  const rows: Row[] = []
  for (let level = 0; hashesAt(level, size) > 0; level++) {
    const before = hashesAt(level, tree.size)
    const first = before - (before % TILE_WIDTH)
    rows.push(new Row(first, hashesAt(level, size) - first, partials[level] ?? NOTHING))
  }
  return rows
}

const NOTHING = new Uint8Array(0)

/** Neighbouring tiles of one level in one piece, so that they are cut from it without copies. */
class Row {
  /** The number of the first hash within the level; a tile begins there. */
  readonly #first: number
  readonly #octets: Uint8Array
  #filled: number

  constructor(first: number, hashes: number, partial: Uint8Array) {
    this.#first = first
    this.#octets = new Uint8Array(hashes * HASH_SIZE)
    this.#octets.set(partial)
    this.#filled = partial.length
  }

  push(hash: Uint8Array): void {
    this.#octets.set(hash, this.#filled)
    this.#filled += HASH_SIZE
  }

  last(hashes: number): Uint8Array {
    return this.#octets.subarray(this.#octets.length - hashes * HASH_SIZE)
  }

  cut({ index, width }: TileId): Uint8Array {
    const start = (index * TILE_WIDTH - this.#first) * HASH_SIZE
    return this.#octets.subarray(start, start + width * HASH_SIZE)
  }
}
