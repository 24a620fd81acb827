import { TlogError } from './tlog-error.ts'
import { checkCount, EMPTY_ROOT, HASH_SIZE, hashNode } from './tree-hash.ts'

/** Told of a full subtree of 2^height leaves that a new leaf completes, the leaf itself (height 0) among them. */
export type SubtreeVisitor = (height: number, hash: Uint8Array) => void

/**
 * A tree of which only the right edge is kept: the roots of the full subtrees that its leaves form, one for each bit
 * of the size. That is enough to append, and to know the root.
 */
export class CompactTree {
  #size: number
  /** From the left: the largest subtree first. */
  readonly #subtrees: Uint8Array[]

  /**
   * @param size how many leaves there are
   * @param subtrees the roots of its full subtrees, the largest first, 32 octets each
   * @throws RangeError there are not as many subtrees as the size has bits
   */
  constructor(size = 0, subtrees: readonly Uint8Array[] = []) {
    checkCount(size, 'size')
    if (subtrees.length !== subtreesOf(size))
      throw new RangeError(`${size} leaves form ${subtreesOf(size)} subtrees, not ${subtrees.length}`)
    this.#size = size
    this.#subtrees = [...subtrees]
  }

  get size(): number {
    return this.#size
  }

  /** One hash for each subtree completed: on average one a leaf. */
  append(leafHash: Uint8Array, visit?: SubtreeVisitor): void {
    let height = 0
    let hash = leafHash
    visit?.(height, hash)
    for (let rest = this.#size; rest % 2 === 1; rest = (rest - 1) / 2) {
      hash = hashNode(this.#subtrees.pop() as Uint8Array, hash)
      visit?.(++height, hash)
    }
    this.#subtrees.push(hash)
    this.#size++
  }

  /**
   * The Merkle Tree Hash of all leaves so far.
   *
   * @see RFC 6962 2.1
   */
  root(): Uint8Array {
    if (this.#size === 0) return EMPTY_ROOT
    return this.#subtrees.reduceRight((right, left) => hashNode(left, right))
  }

  /** One that grows apart from this one. */
  copy(): CompactTree {
    return new CompactTree(this.#size, this.#subtrees)
  }

  /** The size as eight octets, then the subtrees' roots. */
  encode(): Uint8Array {
    const octets = Buffer.alloc(SIZE_OCTETS + this.#subtrees.length * HASH_SIZE)
    octets.writeBigUInt64BE(BigInt(this.#size))
    for (const [at, subtree] of this.#subtrees.entries()) octets.set(subtree, SIZE_OCTETS + at * HASH_SIZE)
    return octets
  }

  /**
   * What `encode` wrote.
   *
   * @throws TlogError `EDGE_INVALID`
   */
  static decode(octets: Uint8Array): CompactTree {
    if (octets.length < SIZE_OCTETS) refuse(`${octets.length} octets are too few`)
    const view = Buffer.from(octets)
    const size = Number(view.readBigUInt64BE())
    if (!Number.isSafeInteger(size)) refuse('the size is over 2^53 - 1')
    const expected = SIZE_OCTETS + subtreesOf(size) * HASH_SIZE
    if (octets.length !== expected) refuse(`${octets.length} octets; ${size} leaves take ${expected}`)
    const subtrees: Uint8Array[] = []
    for (let at = SIZE_OCTETS; at < view.length; at += HASH_SIZE)
      subtrees.push(view.subarray(at, at + HASH_SIZE))
    return new CompactTree(size, subtrees)
  }
}

const SIZE_OCTETS = 8

/** How many full subtrees so many leaves form: the ones of the number in binary. */
function subtreesOf(size: number): number {
  let count = 0
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) count += rest % 2
  return count
}

function refuse(why: string): never {
  throw new TlogError('EDGE_INVALID', `the right edge of a tree can't be read: ${why}`)
}
