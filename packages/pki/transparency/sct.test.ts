import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { hexText } from '../octets.ts'
import { leafIndexExtension, leafIndexOf } from './ct-extensions.ts'
import { encodeSct, parseSct, type Sct } from './sct.ts'
import { encodeSctList, parseSctList } from './sct-list.ts'

const octets = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
const malformed = { code: 'TRANSPARENCY_MALFORMED' }
const id = 'ab'.repeat(32)

const sct: fc.Arbitrary<Sct> = fc
  .record({
    logId: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    timestamp: fc.maxSafeNat(),
    leafIndex: fc.option(fc.integer({ min: 0, max: 2 ** 40 - 1 }), { nil: undefined }),
    algorithm: fc.constantFrom('ecdsa' as const, 'rsa' as const),
    signature: fc.uint8Array({ minLength: 1, maxLength: 512 }),
  })
  .map((fields) => ({
    ...fields,
    extensions: fields.leafIndex === undefined ? new Uint8Array() : leafIndexExtension(fields.leafIndex),
  }))

describe('an SCT', () => {
  it('is written as RFC 6962 §3.2 and static-ct-api say', () => {
    const encoded = encodeSct({
      logId: octets(id),
      timestamp: 0x0102030405,
      extensions: leafIndexExtension(0x0a0b0c0d0e),
      leafIndex: 0x0a0b0c0d0e,
      algorithm: 'ecdsa',
      signature: octets('3006'),
    })
    assert.equal(
      hexText(encoded),
      hexText(octets(`00 ${id} 0000000102030405 0008 00 0005 0a0b0c0d0e 04 03 0002 3006`)),
    )
  })

  it('comes back as it was', () => {
    fc.assert(fc.property(sct, (each) => assert.deepEqual(parseSct(encodeSct(each)), each)))
  })

  for (const [why, hex] of [
    ['version v2', `01 ${id} 0000000000000001 0000 0403 0001 00`],
    ['a time over 2^53', `00 ${id} 0020000000000000 0000 0403 0001 00`],
    ['SHA-1', `00 ${id} 0000000000000001 0000 0203 0001 00`],
    ['DSA', `00 ${id} 0000000000000001 0000 0402 0001 00`],
    ['no signature', `00 ${id} 0000000000000001 0000 0403 0000`],
    ['something after', `00 ${id} 0000000000000001 0000 0403 0001 00 00`],
    ['an end too early', `00 ${id} 0000000000000001 0000 0403 0002 00`],
    ['extensions that are none', `00 ${id} 0000000000000001 0001 00 0403 0001 00`],
    ['a signature longer than any', `00 ${id} 0000000000000001 0000 0403 0201 ${'00'.repeat(513)}`],
  ] as const) {
    it(`with ${why} is refused`, () => assert.throws(() => parseSct(octets(hex)), malformed))
  }
})

describe('the extensions of an SCT', () => {
  it('say an index of 40 bits, or none', () => {
    assert.equal(leafIndexOf(new Uint8Array()), undefined)
    assert.equal(leafIndexOf(octets('01 0000')), undefined)
    assert.equal(leafIndexOf(octets('07 0001 ff 00 0005 ffffffffff')), 2 ** 40 - 1)
    assert.throws(() => leafIndexExtension(2 ** 40), RangeError)
    assert.throws(() => leafIndexExtension(-1), RangeError)
    assert.throws(() => leafIndexExtension(0.5), RangeError)
  })

  for (const [why, hex] of [
    ['an index of 32 bits', '00 0004 00000000'],
    ['an index of 48 bits', '00 0006 000000000000'],
    ['two indices', '00 0005 0000000000 00 0005 0000000000'],
    ['two of a type that nobody knows', '09 0000 09 0000'],
  ] as const) {
    it(`with ${why} are refused`, () => assert.throws(() => leafIndexOf(octets(hex)), malformed))
  }
})

describe('a list of SCTs', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(fc.array(sct, { minLength: 1, maxLength: 16 }), (scts) => {
        const serialized = scts.map(encodeSct)
        assert.deepEqual(parseSctList(encodeSctList(serialized)), serialized)
      }),
    )
  })

  it('keeps SCTs that are not understood beside those that are', () => {
    assert.deepEqual(parseSctList(octets('0007 0002 aabb 0001 cc')), [octets('aabb'), octets('cc')])
  })

  it('holds 1 to 16', () => {
    assert.throws(() => encodeSctList([]), RangeError)
    assert.throws(() => encodeSctList(Array(17).fill(octets('00'))), RangeError)
    assert.throws(() => parseSctList(octets(`0033 ${'0001 00'.repeat(17)}`)), malformed)
  })

  for (const [why, hex] of [
    ['nothing at all', ''],
    ['no SCT', '0000'],
    ['an SCT without octets', '0002 0000'],
    ['something after', '0003 0001 aa 00'],
    ['an SCT longer than the list', '0003 0002 aa'],
    ['a length that is cut off', '00'],
  ] as const) {
    it(`with ${why} is refused`, () => assert.throws(() => parseSctList(octets(hex)), malformed))
  }
})
