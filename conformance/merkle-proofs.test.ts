import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { TlogError, verifyConsistency, verifyInclusion } from '@datapunk/tlog'

/** A case of transparency-dev/merkle; hashes are base64, and null stands for none. */
interface MerkleCase {
  readonly root1: string | null
  readonly root2: string | null
  readonly root: string | null
  readonly leafHash: string | null
  readonly proof: readonly string[] | null
  readonly size1: number
  readonly size2: number
  readonly leafIdx: number
  readonly treeSize: number
  readonly wantErr: boolean
}

/** The folder of cases, where `MERKLE_TESTDATA` names it; otherwise the one that lies beside the repository. */
const folder =
  process.env.MERKLE_TESTDATA ??
  fileURLToPath(new URL('../../shared/vectors/merkle/testdata', import.meta.url))
const skip = existsSync(folder) ? false : 'the vectors do not lie beside this repository'

/** Cases that the suite accepts and we refuse, and why. */
const exceptions: Readonly<Record<string, string>> = {
  'consistency/additional/sizes-are-equal-one-and-proof-is-empty.json':
    'its roots are the same twelve octets, and a root has 32',
}

const verdicts = {
  inclusion: (one: MerkleCase) =>
    verifyInclusion({
      leafHash: octets(one.leafHash),
      index: one.leafIdx,
      size: one.treeSize,
      root: octets(one.root),
      proof: (one.proof ?? []).map(octets),
    }),
  consistency: (one: MerkleCase) =>
    verifyConsistency({
      from: { size: one.size1, root: octets(one.root1) },
      to: { size: one.size2, root: octets(one.root2) },
      proof: (one.proof ?? []).map(octets),
    }),
}

for (const [kind, verify] of Object.entries(verdicts)) {
  describe(`${kind} proofs of transparency-dev/merkle`, { skip }, () => {
    const files = skip === false ? globSync(`${kind}/**/*.json`, { cwd: folder }) : []
    it('are there', () => assert.ok(files.length > 50, `found ${files.length}`))
    for (const file of files.toSorted()) {
      const one: MerkleCase = JSON.parse(readFileSync(`${folder}/${file}`, 'utf8'))
      const reason = exceptions[file]
      const isRefused = one.wantErr || reason !== undefined
      it(`${file} is ${isRefused ? 'refused' : 'accepted'}`, () => {
        if (reason !== undefined) assert.equal(one.wantErr, false, 'the suite refuses it too by now')
        if (isRefused) assert.throws(() => verify(one), TlogError)
        else verify(one)
      })
    }
  })
}

function octets(base64: string | null): Uint8Array {
  return Buffer.from(base64 ?? '', 'base64')
}
