import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { hexText } from '../octets.ts'
import { precertEntry, x509Entry } from './log-entry.ts'
import { encodeTileLeaf, parseDataTile, parseTileLeaf, type TileLeaf } from './tile-leaf.ts'
import { merkleTreeLeaf } from './timestamped-entry.ts'

const octets = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
const malformed = { code: 'TRANSPARENCY_MALFORMED' }
const hash = fc.uint8Array({ minLength: 32, maxLength: 32 })
const der = fc.uint8Array({ minLength: 1, maxLength: 300 })

const place = {
  timestamp: fc.maxSafeNat(),
  leafIndex: fc.integer({ min: 0, max: 2 ** 40 - 1 }),
  chain: fc.array(hash, { maxLength: 4 }),
}
const plain = { noNullPrototype: true }
const leaf: fc.Arbitrary<TileLeaf> = fc.oneof(
  fc.record({ ...place, entry: der.map(x509Entry), precertificate: fc.constant(undefined) }, plain),
  fc.record(
    {
      ...place,
      entry: fc.record({ tbs: der, issuerKeyHash: hash }).map(precertEntry),
      precertificate: der,
    },
    plain,
  ),
)

const key = 'cd'.repeat(32)
const entry = precertEntry({ tbs: octets('aabb'), issuerKeyHash: octets(key) })

describe('a leaf of the tree', () => {
  it('is written as RFC 6962 §3.4 says, for precertificates', () => {
    assert.equal(
      hexText(merkleTreeLeaf({ timestamp: 0x0102, entry, leafIndex: 3 })),
      hexText(octets(`00 00 0000000000000102 0001 ${key} 000002aabb 0008 00 0005 0000000003`)),
    )
  })

  it('is written as RFC 6962 §3.4 says, for certificates', () => {
    const x509 = x509Entry(octets('ccdd'))
    assert.equal(
      hexText(merkleTreeLeaf({ timestamp: 0x0102, entry: x509, leafIndex: 3 })),
      hexText(octets('00 00 0000000000000102 0000 000002ccdd 0008 00 0005 0000000003')),
    )
  })

  it('is refused with a hash that is none, or a number that does not fit', () => {
    const short = { ...entry, issuerKeyHash: octets('cd') }
    assert.throws(() => merkleTreeLeaf({ timestamp: 1, entry: short, leafIndex: 3 }), RangeError)
    assert.throws(() => merkleTreeLeaf({ timestamp: -1, entry, leafIndex: 3 }), RangeError)
    assert.throws(() => merkleTreeLeaf({ timestamp: 1.5, entry, leafIndex: 3 }), RangeError)
  })
})

describe('an entry of a data tile', () => {
  it('is written as static-ct-api says', () => {
    const encoded = encodeTileLeaf({
      ...{ timestamp: 0x0102, entry, leafIndex: 3 },
      precertificate: octets('eeff'),
      chain: [octets(key), octets('01'.repeat(32))],
    })
    assert.equal(
      hexText(encoded),
      hexText(
        octets(
          `0000000000000102 0001 ${key} 000002aabb 0008 00 0005 0000000003 000002eeff 0040 ${key} ${'01'.repeat(32)}`,
        ),
      ),
    )
  })

  it('comes back as it was, alone and in a tile', () => {
    fc.assert(
      fc.property(fc.array(leaf, { maxLength: 5 }), (leaves) => {
        const encoded = leaves.map(encodeTileLeaf)
        for (const [index, each] of encoded.entries()) assert.deepEqual(parseTileLeaf(each), leaves[index])
        assert.deepEqual(parseDataTile(new Uint8Array(Buffer.concat(encoded))), leaves)
      }),
    )
  })

  it('has a precertificate where its entry is of one, and only there', () => {
    const rest = { timestamp: 1, leafIndex: 0, chain: [] }
    const certificate = x509Entry(octets('30'))
    assert.throws(() => encodeTileLeaf({ ...rest, entry, precertificate: undefined }), TypeError)
    assert.throws(
      () => encodeTileLeaf({ ...rest, entry: certificate, precertificate: octets('30') }),
      TypeError,
    )
  })

  it('names those above it by hashes of 32 octets', () => {
    const rest = { timestamp: 1, leafIndex: 0, entry: x509Entry(octets('30')), precertificate: undefined }
    assert.throws(() => encodeTileLeaf({ ...rest, chain: [octets('01'.repeat(31))] }), RangeError)
  })

  const start = '0000000000000102 0000 000001 30'
  for (const [why, hex] of [
    ['a type that is none', `0000000000000102 0002 ${key} 000001 30 0008 00 0005 0000000003 000001 30 0000`],
    ['an empty certificate', '0000000000000102 0000 000000 0008 00 0005 0000000003 0000'],
    ['no index', `${start} 0000 0000`],
    ['more extensions than the index', `${start} 000b 00 0005 0000000003 01 0000 0000`],
    ['half a fingerprint', `${start} 0008 00 0005 0000000003 0010 ${'01'.repeat(16)}`],
    ['something after', `${start} 0008 00 0005 0000000003 0000 00`],
  ] as const) {
    it(`with ${why} is refused`, () => assert.throws(() => parseTileLeaf(octets(hex)), malformed))
  }

  it('is one of 256 at most', () => {
    const one = encodeTileLeaf({ timestamp: 1, leafIndex: 0, entry, precertificate: octets('30'), chain: [] })
    const tile = (count: number) => new Uint8Array(Buffer.concat(Array(count).fill(one)))
    assert.equal(parseDataTile(tile(256)).length, 256)
    assert.throws(() => parseDataTile(tile(257)), malformed)
  })
})
