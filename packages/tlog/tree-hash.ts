import { hash } from 'node:crypto'

/** Octets of every hash here: SHA-256 (RFC 6962 2.1). */
export const HASH_SIZE = 32

const LEAF = Uint8Array.of(0)
const NODE = Uint8Array.of(1)

/** The root of a tree without leaves: the hash of nothing. */
export const EMPTY_ROOT: Uint8Array = hash('sha256', Buffer.alloc(0), 'buffer')

/**
 * The hash of a leaf, SHA-256(0x00 || entry).
 *
 * @see RFC 6962 2.1
 */
export function hashLeaf(entry: Uint8Array): Uint8Array {
  return hash('sha256', Buffer.concat([LEAF, entry]), 'buffer')
}

/**
 * The hash of an inner node, SHA-256(0x01 || left || right). The prefixes differ so that no leaf passes for a node.
 *
 * @see RFC 6962 2.1
 */
export function hashNode(left: Uint8Array, right: Uint8Array): Uint8Array {
  return hash('sha256', Buffer.concat([NODE, left, right]), 'buffer')
}
