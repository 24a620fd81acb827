import { checkCount, HASH_SIZE } from './tree-hash.ts'

/** What a log signs of its tree. */
export interface TreeHead {
  /** When, in milliseconds since the epoch. */
  readonly timestamp: number
  readonly size: number
  readonly root: Uint8Array
}

const V1 = 0
const TREE_HASH = 1

// struct {
//   Version version; SignatureType signature_type = tree_hash;
//   uint64 timestamp; uint64 tree_size; opaque sha256_root_hash[32];
// } TreeHeadSignature;
/**
 * The octets that a tree head's signature covers.
 *
 * @throws RangeError the timestamp or the size is no whole number from 0 to 2^53 - 1
 * @see RFC 6962 3.5
 */
export function treeHeadMessage({ timestamp, size, root }: TreeHead): Uint8Array {
  checkCount(timestamp, 'timestamp')
  checkCount(size, 'size')
  const message = Buffer.alloc(18 + HASH_SIZE)
  message[0] = V1
  message[1] = TREE_HASH
  message.writeBigUInt64BE(BigInt(timestamp), 2)
  message.writeBigUInt64BE(BigInt(size), 10)
  message.set(root, 18)
  return message
}
