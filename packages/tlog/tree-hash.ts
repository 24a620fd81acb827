import { hash } from 'node:crypto'

/** Octets of every hash here: SHA-256 (RFC 6962 2.1). */
export const HASH_SIZE = 32

const LEAF = Uint8Array.of(0)

/** The root of a tree without leaves: the hash of nothing. */
export const EMPTY_ROOT: Uint8Array = sha256('')

/**
 * The hash of a leaf, SHA-256(0x00 || entry).
 *
 * @param entry octets, or text that stands for its UTF-8
 * @see RFC 6962 2.1
 */
export function hashLeaf(entry: Uint8Array | string): Uint8Array {
  return sha256(typeof entry === 'string' ? `\0${entry}` : Buffer.concat([LEAF, entry]))
}

/** 0x01, then room for two hashes. One for all: a new one for each node costs a sixth of its hash. */
const node = new Uint8Array(1 + 2 * HASH_SIZE)
node[0] = 1

/**
 * The hash of an inner node, SHA-256(0x01 || left || right). The prefixes differ so that no leaf passes for a node.
 *
 * @param left 32 octets, as `right`
 * @see RFC 6962 2.1
 */
export function hashNode(left: Uint8Array, right: Uint8Array): Uint8Array {
  node.set(left, 1)
  node.set(right, 1 + HASH_SIZE)
  return sha256(node)
}

/** By way of text: to make the octets an ArrayBuffer of their own, as `node:crypto` does, takes longer than to hash. */
function sha256(data: Uint8Array | string): Uint8Array {
  return Buffer.from(hash('sha256', data, 'latin1'), 'latin1')
}

/** Hashes of a tree are public: nothing is lost by how long the comparison takes. */
export function sameHash(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0
}

/** @throws RangeError what a caller names as a size or an index is no whole number from 0 to 2^53 - 1 */
export function checkCount(count: number, what: string): void {
  if (!Number.isSafeInteger(count) || count < 0)
    throw new RangeError(`${what} ${count}: a whole number from 0 to 2^53 - 1 is needed`)
}
