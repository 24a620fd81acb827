import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { merkleTreeLeaf, parseCertificate, precertEntry, x509Entry } from '@datapunk/pki'
import { TestCa } from '@datapunk/testkit'
import fc from 'fast-check'
import { precertificateLeaf } from '../../testing/fake-log.ts'
import { PageError } from '../page-error.ts'
import { parseLogLeaf } from './log-leaf.ts'

const ca = await TestCa.create()
const { der } = await ca.leaf('lake')
const { serial, tbs } = parseCertificate(der)
const issuerKeyHash = new Uint8Array(32).fill(7)
const placed = { timestamp: 1_795_000_000_000, leafIndex: 300 }
const refused = { code: 'PROOF_MALFORMED' }

describe('parseLogLeaf', () => {
  test('reads the leaf of a precertificate', () => {
    const leaf = merkleTreeLeaf({ ...placed, entry: precertEntry({ tbs, issuerKeyHash }) })
    const expected = { loggedAt: placed.timestamp, kind: 'precertificate', serial, index: 300 }
    assert.deepEqual(parseLogLeaf(leaf), expected)
  })

  test('reads the leaf of a certificate', () => {
    const { kind, serial: found } = parseLogLeaf(merkleTreeLeaf({ ...placed, entry: x509Entry(der) }))
    assert.deepEqual([kind, found], ['certificate', serial])
  })

  test('reads the leaves of the fake log', () => {
    assert.equal(parseLogLeaf(precertificateLeaf(`5${'1'.repeat(31)}`, 7, 9)).serial, `5${'1'.repeat(31)}`)
  })

  const leaf = precertificateLeaf(`5${'1'.repeat(31)}`, 7, 9)

  test('refuses one that is cut off, or goes on', () => {
    for (let length = 0; length < leaf.length; length++)
      assert.throws(() => parseLogLeaf(leaf.subarray(0, length)), refused)
    assert.throws(() => parseLogLeaf(Buffer.concat([leaf, Buffer.of(0)])), refused)
  })

  for (const [what, at, octet] of [
    ['another version', 0, 1],
    ['another kind of leaf', 1, 1],
    ['a kind of entry that is not known', 11, 2],
    ['a certificate that is none', 47, 0x31],
    ['another extension than its index', leaf.length - 8, 1],
  ] as const) {
    test(`refuses one of ${what}`, () => {
      assert.throws(() => parseLogLeaf(Buffer.from(leaf).fill(octet, at, at + 1)), refused)
    })
  }

  test('refuses other octets in its own words', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (octets) => {
        assert.throws(() => parseLogLeaf(octets), PageError)
      }),
    )
  })
})
