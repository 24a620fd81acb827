import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CompactTree } from './compact-tree.ts'
import { EMPTY_EDGE, growTree } from './grow-tree.ts'
import { TileShelf } from './testing/tile-shelf.ts'
import { consistencyProof, inclusionProof } from './tile-tree.ts'
import { EMPTY_ROOT, hashLeaf } from './tree-hash.ts'
import { verifyConsistency, verifyInclusion } from './verify-proof.ts'

/** The tree on which implementations of Certificate Transparency have been held against each other since the first. */
const entries = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
]
const roots = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
].map((root) => Buffer.from(root, 'hex'))
const leaves = entries.map((entry) => hashLeaf(Buffer.from(entry, 'hex')))

describe("RFC 6962's reference tree", () => {
  it('has the known root without leaves', () => {
    assert.equal(
      Buffer.from(EMPTY_ROOT).toString('hex'),
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    )
  })

  it('has the known roots at each size, however it grows', () => {
    const tree = new CompactTree()
    for (const [at, leaf] of leaves.entries()) {
      tree.append(leaf)
      assert.deepEqual(Buffer.from(tree.root()), roots[at])
      assert.deepEqual(Buffer.from(growTree(EMPTY_EDGE, leaves.slice(0, at + 1)).root), roots[at])
    }
  })

  it('has proofs that lead to them', async () => {
    const shelf = new TileShelf()
    for (const leaf of leaves) shelf.grow([leaf])
    for (const [at, root] of roots.entries()) {
      const size = at + 1
      for (let index = 0; index < size; index++) {
        const proof = await inclusionProof(index, size, shelf.read)
        verifyInclusion({ leafHash: leaves[index] as Uint8Array, index, size, root, proof })
      }
      for (let from = 1; from <= size; from++) {
        const proof = await consistencyProof(from, size, shelf.read)
        verifyConsistency({
          from: { size: from, root: roots[from - 1] as Buffer },
          to: { size, root },
          proof,
        })
      }
    }
  })
})
