import { TILE_WIDTH, type TileId, TOP_LEVEL } from './tile.ts'
import { checkCount } from './tree-hash.ts'

/** What a path under a log's monitoring prefix names: hashes of the tree, or the entries under a tile of level 0. */
export type TilePath =
  | { readonly kind: 'hashes'; readonly tile: TileId }
  | { readonly kind: 'data'; readonly index: number; readonly width: number }

/**
 * Where a tile is served, for example `tile/0/x001/x234/067.p/3`.
 *
 * @throws RangeError there is no such tile
 * @see C2SP tlog-tiles, "Merkle Tree"
 */
export function tilePath({ level, index, width }: TileId): string {
  if (!Number.isInteger(level) || level < 0 || level > TOP_LEVEL)
    throw new RangeError(`level ${level}: tiles have levels 0 to ${TOP_LEVEL}`)
  return `tile/${level}/${placePath(index, width)}`
}

/**
 * Where the entries of a tile of level 0 are served, for example `tile/data/x001/x234/067`.
 *
 * @throws RangeError there is no such tile
 * @see C2SP static-ct-api, "Log entries"
 */
export function dataTilePath(index: number, width: number): string {
  return `tile/data/${placePath(index, width)}`
}

/** Where the partial tiles of one place lie; of level 0 those with the entries too. */
export function partialFolders({ level, index }: Pick<TileId, 'level' | 'index'>): string[] {
  const folder = (path: string) => path.slice(0, path.lastIndexOf('/'))
  const hashes = folder(tilePath({ level, index, width: 1 }))
  return level > 0 ? [hashes] : [hashes, folder(dataTilePath(index, 1))]
}

// tile/<L>/<N>[.p/<W>]: N in groups of three digits, all but the last after an x; W from 1 to 255.
const grammar = /^tile\/(data|[0-6])\/((?:x\d{3}\/){0,5}\d{3})(?:\.p\/([1-9]\d{0,2}))?$/

/**
 * What a requested path names, or undefined when it names no tile. One tile has one spelling.
 *
 * @param path without a leading slash, as `tilePath` and `dataTilePath` write it
 */
export function parseTilePath(path: string): TilePath | undefined {
  const [, level, groups, partial] = (path.length <= maxLength && grammar.exec(path)) || []
  if (level === undefined || groups === undefined) return undefined
  const index = Number(groups.replaceAll(/[x/]/g, ''))
  const width = partial === undefined ? TILE_WIDTH : Number(partial)
  const isCanonical = groups === groupsOf(index) && (partial === undefined || width < TILE_WIDTH)
  if (!isCanonical || !Number.isSafeInteger(index)) return undefined
  return level === 'data'
    ? { kind: 'data', index, width }
    : { kind: 'hashes', tile: { level: Number(level), index, width } }
}

/** Octets of the longest path: six groups, and a width of three digits. */
const maxLength = 'tile/data/'.length + 6 * 'x000/'.length + '.p/255'.length

function placePath(index: number, width: number): string {
  checkCount(index, 'index')
  if (!Number.isInteger(width) || width < 1 || width > TILE_WIDTH)
    throw new RangeError(`width ${width}: a tile holds 1 to ${TILE_WIDTH} hashes`)
  return width === TILE_WIDTH ? groupsOf(index) : `${groupsOf(index)}.p/${width}`
}

function groupsOf(index: number): string {
  const digits = String(index)
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, '0')
  return padded.replaceAll(/\d{3}(?=\d)/g, 'x$&/')
}
