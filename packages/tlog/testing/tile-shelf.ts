import { EMPTY_EDGE, growTree, type TreeEdge } from '../grow-tree.ts'
import type { TileId } from '../tile.ts'
import { tilePath } from '../tile-path.ts'

/** Tiles by their paths, and what was asked for. */
export class TileShelf {
  readonly tiles = new Map<string, Uint8Array>()
  readonly asked: string[] = []
  edge: TreeEdge = EMPTY_EDGE

  grow(leafHashes: readonly Uint8Array[]): Uint8Array {
    const { edge, root, tiles } = growTree(this.edge, leafHashes)
    for (const tile of tiles) this.tiles.set(tilePath(tile), tile.octets)
    this.edge = edge
    return root
  }

  readonly read = (id: TileId): Uint8Array => {
    const path = tilePath(id)
    this.asked.push(path)
    const octets = this.tiles.get(path)
    if (octets === undefined) throw new Error(`asked for ${path}, which was never made`)
    return octets
  }
}
