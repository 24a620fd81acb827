import { type ReadTile, TileReader } from './tile-reader.ts'
import { checkCount, EMPTY_ROOT } from './tree-hash.ts'

/**
 * The root of a tree, from its partial tiles.
 *
 * @throws TlogError `TILE_INVALID`
 * @see RFC 6962 2.1
 */
export async function treeRoot(size: number, read: ReadTile): Promise<Uint8Array> {
  checkCount(size, 'size')
  return size === 0 ? EMPTY_ROOT : new TileReader(size, read).range(0, size)
}

/**
 * The hashes that show a leaf to be in a tree, from the leaf up. Whoever doesn't trust the tiles gives them to
 * `verifyInclusion`.
 *
 * @param index of the leaf, from 0
 * @throws TlogError `TILE_INVALID`
 * @throws RangeError the tree has no such leaf
 * @see RFC 6962 2.1.1
 */
export function inclusionProof(index: number, size: number, read: ReadTile): Promise<Uint8Array[]> {
  checkCount(index, 'index')
  checkCount(size, 'size')
  if (index >= size) throw new RangeError(`a tree of ${size} leaves has none numbered ${index}`)
  return hashesOf(pathTo(index, size), size, read)
}

/**
 * The hashes that show a tree to hold all leaves of a smaller one, in their order. Whoever doesn't trust the tiles
 * gives them to `verifyConsistency`.
 *
 * @throws TlogError `TILE_INVALID`
 * @throws RangeError not 0 < fromSize <= toSize
 * @see RFC 6962 2.1.2
 */
export function consistencyProof(fromSize: number, toSize: number, read: ReadTile): Promise<Uint8Array[]> {
  checkCount(fromSize, 'size')
  checkCount(toSize, 'size')
  if (fromSize < 1 || fromSize > toSize)
    throw new RangeError(`no proof leads from a tree of ${fromSize} leaves to one of ${toSize}`)
  return hashesOf(pathBetween(fromSize, toSize), toSize, read)
}

/** Neighbouring leaves, `end` not among them. */
interface Range {
  readonly start: number
  readonly end: number
}

/** PATH(m, D[n]): the other half at each step down, the lowest first. */
function pathTo(index: number, size: number): Range[] {
  const path: Range[] = []
  let node: Range = { start: 0, end: size }
  while (node.end - node.start > 1) {
    const [left, right] = halves(node)
    const isLeft = index < left.end
    path.unshift(isLeft ? right : left)
    node = isLeft ? left : right
  }
  return path
}

/** SUBPROOF(m, D[n], b): as PATH, down to the node at which the smaller tree ends. */
function pathBetween(fromSize: number, toSize: number): Range[] {
  const path: Range[] = []
  let node: Range = { start: 0, end: toSize }
  while (node.end !== fromSize) {
    const [left, right] = halves(node)
    const isLeft = fromSize <= left.end
    path.unshift(isLeft ? right : left)
    node = isLeft ? left : right
  }
  // The root of the smaller tree is known to whoever checks the proof.
  return node.start === 0 ? path : [node, ...path]
}

/** The split of RFC 6962 2.1: the left half has the largest power of two under the number of leaves. */
function halves({ start, end }: Range): [Range, Range] {
  let width = 1
  while (width * 2 < end - start) width *= 2
  return [
    { start, end: start + width },
    { start: start + width, end },
  ]
}

function hashesOf(ranges: readonly Range[], size: number, read: ReadTile): Promise<Uint8Array[]> {
  const reader = new TileReader(size, read)
  return Promise.all(ranges.map(({ start, end }) => reader.range(start, end)))
}
