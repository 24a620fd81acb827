import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ConsoleProof } from '@datapunk/protocol/console'
import fc from 'fast-check'
import { FakeLog } from '../../testing/fake-log.ts'
import { base64Octets, base64Text } from './octets.ts'
import { checkProof } from './proof.ts'
import { webCrypto } from './web-crypto.ts'

const NOW = Date.UTC(2026, 10, 27)
const serialOf = (number: number) => `5${String(number).padStart(31, '0')}`

function logOf(size: number): FakeLog {
  const log = new FakeLog(() => NOW)
  for (let number = 0; number < size; number++) log.add(serialOf(number), `s${number}.service.datapunk`, NOW)
  return log
}

const log = logOf(11)
const proofOf = async (number: number) => (await log.proof(serialOf(number)))!
const check = (proof: ConsoleProof, serial = serialOf(proof.index)) => checkProof(proof, serial, webCrypto)

describe('a proof', () => {
  test('of every entry holds, and has a step for each sibling', async () => {
    for (const size of [1, 2, 7, 11]) {
      const some = logOf(size)
      for (let number = 0; number < size; number++) {
        const proof = (await some.proof(serialOf(number)))!
        const found = await check(proof)
        assert.equal(found.failure, undefined)
        assert.equal(found.steps.length, proof.proof.length)
        assert.equal(found.leaf?.index, number)
        assert.equal(found.logId?.length, 32)
      }
    }
  })

  test('of another certificate proves nothing', async () => {
    const found = await check(await proofOf(3), serialOf(4))
    assert.match(found.failure!, /is of certificate 5.*3, not of 5.*4/)
  })

  test('under another index proves nothing', async () => {
    assert.match((await check({ ...(await proofOf(3)), index: 4 }, serialOf(3))).failure!, /number 3, not 4/)
  })

  test('of another log proves nothing', async () => {
    assert.match((await check({ ...(await proofOf(3)), origin: 'other/log' })).failure!, /not of other\/log/)
    const { key, checkpoint } = (await logOf(11).proof(serialOf(3)))!
    assert.match((await check({ ...(await proofOf(3)), key })).failure!, /names key/)
    assert.match((await check({ ...(await proofOf(3)), checkpoint })).failure!, /names key/)
  })

  test('that is too short, or too long, proves nothing', async () => {
    const proof = await proofOf(3)
    assert.match((await check({ ...proof, proof: proof.proof.slice(1) })).failure!, /this place needs 4/)
    assert.match(
      (await check({ ...proof, proof: [...proof.proof, proof.proof[0]!] })).failure!,
      /has 5 hashes/,
    )
  })

  test('with a hash that is none can’t be read', async () => {
    const proof = await proofOf(3)
    assert.match((await check({ ...proof, proof: proof.proof.map(() => 'AAAA') })).failure!, /has 3 octets/)
  })

  test('with the key of something else is not signed by it', async () => {
    assert.match((await check({ ...(await proofOf(3)), key: 'AAAA' })).failure!, /names key/)
  })

  test('with any bit of it turned proves nothing', async () => {
    const proof = await proofOf(6)
    const leaf = base64Octets(proof.leaf, 'the leaf')
    await fc.assert(
      fc.asyncProperty(fc.nat(leaf.length - 1), fc.nat(7), async (at, bit) => {
        const turned = leaf.with(at, leaf[at]! ^ (1 << bit))
        assert.notEqual((await check({ ...proof, leaf: base64Text(turned) })).failure, undefined)
      }),
    )
    await fc.assert(
      fc.asyncProperty(fc.nat(proof.checkpoint.length - 1), async (at) => {
        const other = proof.checkpoint[at] === 'A' ? 'B' : 'A'
        const checkpoint = proof.checkpoint.slice(0, at) + other + proof.checkpoint.slice(at + 1)
        assert.notEqual((await check({ ...proof, checkpoint })).failure, undefined)
      }),
    )
    const hashes = proof.proof.map((hash) =>
      hash.startsWith('A') ? `B${hash.slice(1)}` : `A${hash.slice(1)}`,
    )
    for (const [at, hash] of hashes.entries())
      assert.match((await check({ ...proof, proof: proof.proof.with(at, hash) })).failure!, /another root/)
  })
})
