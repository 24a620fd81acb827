import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { oids } from '../oids.ts'
import { decodeOid, encodeOid } from './oid.ts'

describe('object identifiers', () => {
  it('are those of the standards', () => {
    // X.690 §8.19.5: {2 100 3}
    assert.equal(decodeOid(Uint8Array.of(0x81, 0x34, 0x03)), '2.100.3')
    assert.deepEqual(encodeOid('1.2.840.113549'), Uint8Array.of(6, 6, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d))
  })

  it('come back, whatever their arcs', () => {
    const arc = fc.bigInt({ min: 0n, max: 2n ** 128n })
    const top = fc.oneof(
      fc.tuple(fc.constantFrom(0n, 1n), fc.bigInt({ min: 0n, max: 39n })),
      fc.tuple(fc.constant(2n), arc),
    )
    fc.assert(
      fc.property(top, fc.array(arc, { maxLength: 5 }), (first, rest) => {
        const dotted = [...first, ...rest].join('.')
        assert.equal(decodeOid(encodeOid(dotted).subarray(2)), dotted)
      }),
    )
  })

  it('are told apart from those known by name', () => {
    const { p256 } = oids
    assert.equal(decodeOid(encodeOid(p256).subarray(2)), p256)
    assert.equal(decodeOid(encodeOid(`${p256}.1`).subarray(2)), `${p256}.1`)
    assert.equal(decodeOid(encodeOid(p256).subarray(2, -1)), p256.slice(0, -2))
  })

  it('are refused empty, cut off, padded or over 128 octets', () => {
    for (const content of [[], [0x2a, 0x86], [0x80, 0x01], [0x2a, 0x80, 0x01], new Array(129).fill(1)]) {
      assert.equal(decodeOid(Uint8Array.from(content)), undefined)
    }
  })
})
