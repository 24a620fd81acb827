import { half, type Side, stepsUp } from './proof-steps.ts'
import { TlogError } from './tlog-error.ts'
import { HASH_SIZE, hashNode, sameHash } from './tree-hash.ts'

/** A tree as far as a proof is about it. */
export interface TreeRoot {
  readonly size: number
  readonly root: Uint8Array
}

export interface InclusionClaim extends TreeRoot {
  /** Of the entry, as `hashLeaf` makes it. */
  readonly leafHash: Uint8Array
  /** Of the leaf, from 0. */
  readonly index: number
  /** From the leaf up. */
  readonly proof: readonly Uint8Array[]
}

export interface ConsistencyClaim {
  readonly from: TreeRoot
  readonly to: TreeRoot
  readonly proof: readonly Uint8Array[]
}

/**
 * Checks that a tree has a leaf at an index.
 *
 * @throws TlogError `PROOF_INVALID` the index is beyond the tree, or the proof has not the length that this place in
 *   this tree demands; `PROOF_WRONG` it leads to another root
 * @see RFC 6962 2.1.1; RFC 9162 2.1.3.2
 */
export function verifyInclusion({ leafHash, index, size, root, proof }: InclusionClaim): void {
  checkSize(size)
  if (!Number.isSafeInteger(index) || index < 0 || index >= size)
    refuse(`a tree of ${size} leaves has none numbered ${index}`)
  checkHashes([leafHash, root, ...proof])
  const steps = stepsUp(index, size - 1)
  checkLength(proof, steps.length)
  const found = steps.reduce((hash, side, at) => joined(hash, proof[at] as Uint8Array, side), leafHash)
  if (!sameHash(found, root)) refuseWrong(`leaf ${index} is not shown to be in the tree of ${size} leaves`)
}

/**
 * Checks that a tree has every leaf of a smaller one, in the same places. Of a tree without leaves nothing can be shown.
 *
 * @throws TlogError `PROOF_INVALID` not 0 < from.size <= to.size, or the proof has not the length that these sizes
 *   demand; `PROOF_WRONG` it leads to other roots
 * @see RFC 6962 2.1.2; RFC 9162 2.1.4.2
 */
export function verifyConsistency({ from, to, proof }: ConsistencyClaim): void {
  checkSize(from.size)
  checkSize(to.size)
  if (from.size > to.size) refuse(`a tree of ${from.size} leaves can't be part of one of ${to.size}`)
  checkHashes([from.root, to.root, ...proof])
  const { steps, isWhole } = stepsBetween(from.size, to.size)
  checkLength(proof, steps.length + (isWhole ? 0 : 1))
  const [first, ...path] = isWhole ? [from.root, ...proof] : proof
  let fromRoot = first as Uint8Array
  let toRoot = fromRoot
  for (const [at, side] of steps.entries()) {
    const other = path[at] as Uint8Array
    // What lies to the right came after the smaller tree.
    if (side === 'left') fromRoot = joined(fromRoot, other, side)
    toRoot = joined(toRoot, other, side)
  }
  if (!sameHash(fromRoot, from.root)) refuseWrong(`the proof doesn't lead to the root of ${from.size} leaves`)
  if (!sameHash(toRoot, to.root)) refuseWrong(`the proof doesn't lead to the root of ${to.size} leaves`)
}

/**
 * The way from the smaller tree's last full subtree to the root; `isWhole` when that subtree is all of the smaller tree,
 * whose root the proof then leaves out.
 */
function stepsBetween(fromSize: number, toSize: number): { steps: Side[]; isWhole: boolean } {
  if (fromSize === toSize) return { steps: [], isWhole: true }
  let [node, edge] = [fromSize - 1, toSize - 1]
  for (; node % 2 === 1; node = half(node)) edge = half(edge)
  return { steps: stepsUp(node, edge), isWhole: node === 0 }
}

function joined(hash: Uint8Array, other: Uint8Array, side: Side): Uint8Array {
  return side === 'left' ? hashNode(other, hash) : hashNode(hash, other)
}

function checkSize(size: number): void {
  if (!Number.isSafeInteger(size) || size < 1)
    refuse(`found a tree of ${size} leaves; 1 to 2^53 - 1 are allowed`)
}

function checkLength(proof: readonly Uint8Array[], needed: number): void {
  if (proof.length !== needed) refuse(`it has ${proof.length} hashes; ${needed} are needed`)
}

function checkHashes(hashes: readonly Uint8Array[]): void {
  for (const { length } of hashes)
    if (length !== HASH_SIZE) refuse(`found a hash of ${length} octets, not ${HASH_SIZE}`)
}

function refuse(why: string): never {
  throw new TlogError('PROOF_INVALID', `the proof can't be checked: ${why}`)
}

function refuseWrong(why: string): never {
  throw new TlogError('PROOF_WRONG', `the proof is wrong: ${why}`)
}
