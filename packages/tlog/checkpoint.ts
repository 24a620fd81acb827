import { decodeBase64, encodeBase64 } from './base64.ts'
import { TlogError } from './tlog-error.ts'
import { checkCount, EMPTY_ROOT, HASH_SIZE, sameHash } from './tree-hash.ts'

/** What a log says about itself at one moment. */
export interface Checkpoint {
  /** Which log: its submission prefix without the scheme and without a slash at the end. */
  readonly origin: string
  /** How many leaves the tree has. */
  readonly size: number
  /** Its Merkle Tree Hash, 32 octets. */
  readonly root: Uint8Array
}

/**
 * A checkpoint's text, as a note of it is signed: origin, size and root, a line each.
 *
 * @throws RangeError the origin is not one line, the size is no count, or the root is not 32 octets long
 * @see C2SP tlog-checkpoint, "Note text"
 */
export function formatCheckpoint({ origin, size, root }: Checkpoint): string {
  if (!originGrammar.test(origin)) throw new RangeError(`${JSON.stringify(origin)} can't be an origin`)
  checkCount(size, 'size')
  if (root.length !== HASH_SIZE) throw new RangeError(`a root has ${HASH_SIZE} octets, not ${root.length}`)
  return `${origin}\n${size}\n${encodeBase64(root)}\n`
}

/**
 * What `formatCheckpoint` wrote, and nothing else: extension lines are refused, as static-ct-api demands of logs that
 * sign like ours.
 *
 * @throws TlogError `CHECKPOINT_INVALID`
 */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin, sizeText, rootText, end, ...more] = text.split('\n', 5)
  if (rootText === undefined || end === undefined) refuse('it has fewer than three lines')
  if (end !== '' || more.length > 0) refuse('it has more than three lines; extension lines are not allowed')
  if (!originGrammar.test(origin as string)) refuse('its first line is no origin')
  if (!sizeGrammar.test(sizeText as string) || !Number.isSafeInteger(Number(sizeText)))
    refuse('its second line is no size from 0 to 2^53 - 1 in decimal digits')
  const root = decodeBase64(rootText as string)
  if (root?.length !== HASH_SIZE) refuse('its third line is no hash of 32 octets in base64')
  const size = Number(sizeText)
  if (size === 0 && !sameHash(root as Uint8Array, EMPTY_ROOT))
    refuse('a tree without leaves has another root')
  return { origin: origin as string, size, root: root as Uint8Array }
}

/** One line that is not empty. */
const originGrammar = /^[^\x00-\x1f]+$/
const sizeGrammar = /^(?:0|[1-9]\d{0,15})$/

function refuse(why: string): never {
  throw new TlogError('CHECKPOINT_INVALID', `a checkpoint can't be read: ${why}`)
}
