import assert from 'node:assert/strict'
import { readProvenTile } from '../proven-tile.ts'
import { CHECKPOINT_PATH } from '../sequencer.ts'
import { openCheckpoint, type SignedCheckpoint } from '../signed-checkpoint.ts'
import { TILE_WIDTH, type TileId, tilesFor } from '../tile.ts'
import { dataTilePath, tilePath } from '../tile-path.ts'
import { treeRoot } from '../tile-tree.ts'
import { EMPTY_ROOT, HASH_SIZE, hashLeaf } from '../tree-hash.ts'
import { type NoteLog, notesIn } from './note-log.ts'
import { referenceRoot } from './reference-tree.ts'

/**
 * Holds the whole log against its checkpoint, from what anybody can read: every tile is of the tree, every entry under its leaf,
 * every checkpoint that was ever seen one of a smaller tree of the same leaves, with its partial tiles.
 *
 * @param released what was answered, by key: each is in its place
 * @returns how many entries there are
 */
export async function checkNoteLog(log: NoteLog, released: ReadonlyMap<string, string>): Promise<number> {
  const { disk, origin, signer } = log
  const published = disk.objects.get(CHECKPOINT_PATH)
  assert.deepEqual(published, disk.locked)
  const head = published && openCheckpoint(published, { origin, spki: signer.spki })
  const { size, root } = head ?? { size: 0, root: EMPTY_ROOT }

  const entries = await entriesOf(log, { size, root })
  assert.equal(entries.length, size)
  const keys = entries.map((entry) => entry.split(' ')[0])
  assert.equal(new Set(keys).size, size, 'an entry is there twice')
  for (const [at, entry] of entries.entries()) assert.equal(entry.split(' ')[1], String(at))
  for (const [key, receipt] of released) assert.equal(entries[Number(receipt.split(' ')[1])], receipt, key)

  const leaves = entries.map((entry) => hashLeaf(Buffer.from(entry)))
  assert.deepEqual(Buffer.from(root), Buffer.from(referenceRoot(leaves)))
  const heads = disk.seen.map((each) => openCheckpoint(each, { origin, spki: signer.spki }))
  await checkHeads(log, heads, leaves)
  assert.deepEqual(
    [...disk.objects.keys()].filter((path) => path.startsWith('staging/')),
    [],
  )
  return size
}

async function entriesOf(
  { disk }: NoteLog,
  tree: { readonly size: number; readonly root: Uint8Array },
): Promise<string[]> {
  const entries: string[] = []
  for (const tile of tilesFor(0, tree.size)) {
    const hashes = await readProvenTile(tile, tree, (id) => object(disk.objects, tilePath(id)))
    if (tile.level > 0) continue
    const records = object(disk.objects, dataTilePath(tile.index, tile.width))
    const found = notesIn(records)
    assert.deepEqual(Buffer.concat(found.map((each) => hashLeaf(Buffer.from(each)))), Buffer.from(hashes))
    entries.push(...found)
  }
  return entries
}

/** Each is of the same leaves; neither size nor time goes back. */
async function checkHeads(
  { disk }: NoteLog,
  heads: readonly SignedCheckpoint[],
  leaves: readonly Uint8Array[],
): Promise<void> {
  // A partial tile may have gone when the full one was there.
  const read = (tile: TileId) =>
    disk.objects.get(tilePath(tile)) ??
    object(disk.objects, tilePath({ ...tile, width: TILE_WIDTH })).subarray(0, tile.width * HASH_SIZE)
  let before = { size: 0, timestamp: 0 }
  for (const head of heads) {
    assert.ok(head.size >= before.size && head.timestamp >= before.timestamp)
    if (head.size === before.size) continue
    assert.deepEqual(Buffer.from(await treeRoot(head.size, read)), Buffer.from(head.root))
    assert.deepEqual(Buffer.from(referenceRoot(leaves.slice(0, head.size))), Buffer.from(head.root))
    before = head
  }
}

function object(objects: ReadonlyMap<string, Uint8Array>, path: string): Uint8Array {
  const octets = objects.get(path)
  assert.ok(octets, `${path} is missing`)
  return octets
}
