import type { Candidate, Entry } from './candidate.ts'
import type { TreeGrowth } from './grow-tree.ts'
import { TILE_WIDTH } from './tile.ts'
import { dataTilePath, tilePath } from './tile-path.ts'

interface DataTiles {
  readonly tiles: ReadonlyMap<string, Uint8Array>
  /** Octets of the last one, where it is a partial one. */
  readonly rest: Uint8Array
}

/** The data tiles, full and partial, that `entries` make after the first `size` ones; `records` is the partial tile that those end with. */
export function dataTiles(size: number, records: Uint8Array, entries: readonly Entry[]): DataTiles {
  const tiles = new Map<string, Uint8Array>()
  let index = Math.floor(size / TILE_WIDTH)
  let width = size % TILE_WIDTH
  let parts = [records]
  for (const { record } of entries) {
    parts.push(record)
    if (++width < TILE_WIDTH) continue
    tiles.set(dataTilePath(index++, width), Buffer.concat(parts))
    width = 0
    parts = []
  }
  const rest = Buffer.concat(parts)
  if (width > 0) tiles.set(dataTilePath(index, width), rest)
  return { tiles, rest }
}

/** All that is to be there before a checkpoint may speak of it. */
export function objectsOf(
  { tiles }: TreeGrowth,
  data: DataTiles,
  candidates: readonly Candidate[],
): Map<string, Uint8Array> {
  const objects = new Map<string, Uint8Array>()
  for (const { attachments } of candidates)
    for (const [path, octets] of attachments) objects.set(path, octets)
  for (const [path, octets] of data.tiles) objects.set(path, octets)
  for (const tile of tiles) objects.set(tilePath(tile), tile.octets)
  return objects
}
