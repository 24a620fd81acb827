import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { numberedLeaves } from './testing/numbered-leaves.ts'
import { referencePath, referenceProof, referenceRoot } from './testing/reference-tree.ts'
import {
  type ConsistencyClaim,
  type InclusionClaim,
  verifyConsistency,
  verifyInclusion,
} from './verify-proof.ts'

const leaves = numberedLeaves(70)
const trees = leaves.map((_, at) => ({ size: at + 1, root: referenceRoot(leaves.slice(0, at + 1)) }))

function inclusion(index: number, size: number): InclusionClaim {
  const proof = referencePath(index, leaves.slice(0, size))
  return { ...tree(size), index, leafHash: leaves[index] as Uint8Array, proof }
}

function consistency(from: number, to: number): ConsistencyClaim {
  return { from: tree(from), to: tree(to), proof: referenceProof(from, leaves.slice(0, to)) }
}

function tree(size: number) {
  return trees[size - 1] as (typeof trees)[number]
}

const places = fc.integer({ min: 1, max: 70 }).chain((size) => fc.tuple(fc.nat(size - 1), fc.constant(size)))
const proofRefusal = { code: /^PROOF_(INVALID|WRONG)$/ }

describe('inclusion proofs', () => {
  it('of every leaf in every small tree are right', () => {
    for (const { size } of trees)
      for (let index = 0; index < size; index++)
        assert.doesNotThrow(() => verifyInclusion(inclusion(index, size)))
  })

  it('are refused with anything changed', () => {
    fc.assert(
      fc.property(places, fc.nat(), ([index, size], any) => {
        const claim = inclusion(index, size)
        for (const altered of alterations(claim.proof, any))
          assert.throws(() => verifyInclusion({ ...claim, proof: altered }), proofRefusal)
        assert.throws(() => verifyInclusion({ ...claim, leafHash: flipped(claim.leafHash, any) }), {
          code: 'PROOF_WRONG',
        })
        assert.throws(() => verifyInclusion({ ...claim, root: flipped(claim.root, any) }), {
          code: 'PROOF_WRONG',
        })
        const elsewhere = any % size
        if (elsewhere !== index)
          assert.throws(() => verifyInclusion({ ...claim, index: elsewhere }), proofRefusal)
      }),
    )
  })

  for (const [why, change] of [
    ['an index beyond the tree', { index: 5 }],
    ['a negative index', { index: -1 }],
    ['half an index', { index: 0.5 }],
    ['no size', { size: 0 }],
    ['a size over 2^53', { size: 2 ** 53 }],
    ['a size that is none', { size: Number.NaN }],
    ['a short leaf hash', { leafHash: Buffer.alloc(31) }],
    ['a long root', { root: Buffer.alloc(33) }],
  ] as const) {
    it(`are refused with ${why}`, () => {
      assert.throws(() => verifyInclusion({ ...inclusion(2, 5), ...change }), { code: 'PROOF_INVALID' })
    })
  }

  it('have the length that their place demands, beyond 32 bits too', () => {
    const proof = Array.from({ length: 41 }, () => Buffer.alloc(32))
    const claim = {
      leafHash: Buffer.alloc(32),
      root: Buffer.alloc(32),
      index: 2 ** 40 - 1,
      size: 2 ** 40 + 1,
    }
    assert.throws(() => verifyInclusion({ ...claim, proof }), { code: 'PROOF_WRONG' })
    assert.throws(() => verifyInclusion({ ...claim, proof: proof.slice(1) }), { code: 'PROOF_INVALID' })
  })
})

describe('consistency proofs', () => {
  it('between all small trees are right', () => {
    for (const { size: to } of trees)
      for (let from = 1; from <= to; from++)
        assert.doesNotThrow(() => verifyConsistency(consistency(from, to)))
  })

  it('are refused with anything changed', () => {
    fc.assert(
      fc.property(places, fc.nat(), ([before, to], any) => {
        const claim = consistency(before + 1, to)
        for (const altered of alterations(claim.proof, any))
          assert.throws(() => verifyConsistency({ ...claim, proof: altered }), proofRefusal)
        for (const which of ['from', 'to'] as const) {
          const other = { ...claim[which], root: flipped(claim[which].root, any) }
          assert.throws(() => verifyConsistency({ ...claim, [which]: other }), { code: 'PROOF_WRONG' })
        }
      }),
    )
  })

  it('lead from a tree that has leaves to one that has no fewer', () => {
    const claim = consistency(3, 7)
    for (const size of [0, 8, -1, 2.5, 2 ** 53])
      assert.throws(() => verifyConsistency({ ...claim, from: { ...claim.from, size } }), {
        code: 'PROOF_INVALID',
      })
    for (const size of [0, 2, 2 ** 53])
      assert.throws(() => verifyConsistency({ ...claim, to: { ...claim.to, size } }), {
        code: 'PROOF_INVALID',
      })
  })

  it('between a tree and itself are empty', () => {
    assert.throws(() => verifyConsistency({ from: tree(7), to: tree(7), proof: [leaves[0] as Uint8Array] }), {
      code: 'PROOF_INVALID',
    })
    const forked = { size: 7, root: tree(8).root }
    assert.throws(() => verifyConsistency({ from: tree(7), to: forked, proof: [] }), { code: 'PROOF_WRONG' })
  })
})

/** The proof with a bit changed, with a hash gone, with one more, and with two exchanged. */
function alterations(proof: readonly Uint8Array[], any: number): Uint8Array[][] {
  const at = any % Math.max(1, proof.length)
  const altered = [
    [...proof, leaves[0] as Uint8Array],
    [leaves[0] as Uint8Array, ...proof],
  ]
  if (proof.length > 0) {
    altered.push(proof.with(at, flipped(proof[at] as Uint8Array, any)), proof.toSpliced(at, 1))
    altered.push(proof.with(at, (proof[at] as Uint8Array).subarray(1)))
  }
  if (proof.length > 1) altered.push(proof.toReversed())
  return altered
}

function flipped(hash: Uint8Array, any: number): Uint8Array {
  const octets = Uint8Array.from(hash)
  ;(octets[any % octets.length] as number) ^= 1 << (any % 8)
  return octets
}
