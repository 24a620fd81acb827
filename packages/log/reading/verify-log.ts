import { parseDataTile, type TileLeaf } from '@datapunk/pki'
import {
  dataTilePath,
  EMPTY_EDGE,
  growTree,
  type SignedCheckpoint,
  type TileId,
  tilePath,
  tilesFor,
} from '@datapunk/tlog'
import {
  checkPrecertificate,
  type LogIdentity,
  leafHash,
  type ReadObject,
  readCheckpoint,
  readIssuer,
  readObject,
  TILE_LEAVES,
  wrong,
} from './read-log.ts'

/**
 * Holds a whole log against its checkpoint, reading everything of it once: every entry is in its place, every tile is what the
 * entries under it make, every issuer is there, and no time goes back.
 *
 * @param options.onEntry is told each entry, in order; what it throws ends it all
 * @returns the checkpoint; undefined when the log is empty
 * @throws LogError `LOG_WRONG`
 * @throws TlogError as `readCheckpoint`
 * @throws PkiError `TRANSPARENCY_MALFORMED`, and what `parseCertificate` throws
 */
export async function verifyLog(
  read: ReadObject,
  log: LogIdentity,
  { onEntry }: { readonly onEntry?: (entry: TileLeaf) => void } = {},
): Promise<SignedCheckpoint | undefined> {
  const checkpoint = await readCheckpoint(read, log)
  if (checkpoint === undefined) return undefined
  const { size, root } = checkpoint
  const tiles = new Set(tilesFor(0, size).map(tilePath))
  const issuers = new Set<string>()
  let edge = EMPTY_EDGE
  let [grownRoot, time] = [edge.tree.root(), 0]
  for (let first = 0; first < size; first += TILE_LEAVES) {
    const place = { first, width: Math.min(TILE_LEAVES, size - first) }
    const entries = await readDataTile(read, place)
    for (const [at, entry] of entries.entries()) {
      if (entry.leafIndex !== first + at) throw wrongEntry(place, `entry ${first + at} says it is another`)
      if (entry.timestamp < time || entry.timestamp > checkpoint.timestamp)
        throw wrongEntry(place, `entry ${first + at} is not of its time`)
      time = entry.timestamp
      checkPrecertificate(entry, pathOf(place))
      for (const fingerprint of entry.chain) await checkIssuer(read, fingerprint, issuers)
      onEntry?.(entry)
    }
    const grown = growTree(edge, entries.map(leafHash))
    for (const tile of grown.tiles) if (tiles.has(tilePath(tile))) await checkTile(read, tile)
    edge = grown.edge
    grownRoot = grown.root
  }
  if (Buffer.compare(grownRoot, root) !== 0)
    throw wrong('checkpoint', 'the entries make a tree with another root')
  return checkpoint
}

interface Place {
  readonly first: number
  readonly width: number
}

async function readDataTile(read: ReadObject, place: Place): Promise<readonly TileLeaf[]> {
  const entries = parseDataTile(await readObject(read, pathOf(place)))
  if (entries.length !== place.width)
    throw wrongEntry(place, `it has ${entries.length} entries, not ${place.width}`)
  return entries
}

async function checkTile(read: ReadObject, tile: TileId & { readonly octets: Uint8Array }): Promise<void> {
  const path = tilePath(tile)
  if (Buffer.compare(await readObject(read, path), tile.octets) !== 0)
    throw wrong(path, 'it is not what the entries under it make')
}

async function checkIssuer(read: ReadObject, fingerprint: Uint8Array, checked: Set<string>): Promise<void> {
  const hex = Buffer.from(fingerprint).toString('hex')
  if (checked.has(hex)) return
  await readIssuer(read, fingerprint)
  checked.add(hex)
}

function pathOf({ first, width }: Place): string {
  return dataTilePath(first / TILE_LEAVES, width)
}

function wrongEntry(place: Place, why: string): Error {
  return wrong(pathOf(place), why)
}
