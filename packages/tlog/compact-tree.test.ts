import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { CompactTree } from './compact-tree.ts'
import { numberedLeaves } from './testing/numbered-leaves.ts'
import { referenceRoot } from './testing/reference-tree.ts'
import { EMPTY_ROOT } from './tree-hash.ts'

describe('CompactTree', () => {
  it('has the root that the definition gives, at each of its sizes', () => {
    const leaves = numberedLeaves(130)
    const tree = new CompactTree()
    assert.deepEqual(tree.root(), EMPTY_ROOT)
    for (const [at, leaf] of leaves.entries()) {
      tree.append(leaf)
      assert.equal(tree.size, at + 1)
      assert.deepEqual(tree.root(), referenceRoot(leaves.slice(0, at + 1)))
    }
  })

  it('goes on after it was written and read', () => {
    fc.assert(
      fc.property(fc.nat(300), fc.nat(20), (before, after) => {
        const leaves = numberedLeaves(before + after)
        const tree = grown(leaves.slice(0, before))
        const read = CompactTree.decode(tree.encode())
        for (const leaf of leaves.slice(before)) read.append(leaf)
        assert.deepEqual(read.root(), referenceRoot(leaves))
        assert.equal(tree.size, before)
      }),
    )
  })

  it('has copies that grow apart', () => {
    const tree = grown(numberedLeaves(3))
    const root = tree.root()
    const copy = tree.copy()
    copy.append(numberedLeaves(1, 3)[0] as Uint8Array)
    assert.deepEqual(tree.root(), root)
    assert.deepEqual(copy.root(), referenceRoot(numberedLeaves(4)))
  })

  it('tells of each full subtree as it is completed', () => {
    const told: number[] = []
    const tree = grown(numberedLeaves(7))
    tree.append(numberedLeaves(1, 7)[0] as Uint8Array, (height) => told.push(height))
    assert.deepEqual(told, [0, 1, 2, 3])
  })

  it('counts beyond 32 bits', () => {
    const size = 2 ** 40 + 1
    const tree = new CompactTree(size, numberedLeaves(2))
    tree.append(numberedLeaves(1, 2)[0] as Uint8Array)
    assert.equal(tree.size, size + 1)
    assert.deepEqual(CompactTree.decode(tree.encode()).root(), tree.root())
  })

  for (const [why, octets] of [
    ['nothing', Buffer.alloc(0)],
    ['half a size', Buffer.alloc(7)],
    ['a hash too few', grown(numberedLeaves(3)).encode().subarray(0, -32)],
    ['an octet too few', grown(numberedLeaves(3)).encode().subarray(0, -1)],
    ['an octet too many', Buffer.concat([grown(numberedLeaves(3)).encode(), Buffer.alloc(1)])],
    ['a size over 2^53', Buffer.concat([Buffer.from('0020000000000000', 'hex'), Buffer.alloc(32)])],
  ] as const) {
    it(`is not read from ${why}`, () => {
      assert.throws(() => CompactTree.decode(octets), { code: 'EDGE_INVALID' })
    })
  }

  it('is not made of subtrees that do not fit its size', () => {
    assert.throws(() => new CompactTree(3, numberedLeaves(1)), RangeError)
    assert.throws(() => new CompactTree(-1), RangeError)
  })
})

function grown(leaves: readonly Uint8Array[]): CompactTree {
  const tree = new CompactTree()
  for (const leaf of leaves) tree.append(leaf)
  return tree
}
