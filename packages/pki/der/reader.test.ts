import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PkiError, type PkiErrorCode } from '../pki-error.ts'
import { derBudget } from './budget.ts'
import { type DerReader, readDer } from './reader.ts'
import { tag } from './tag.ts'

function octets(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
}

function refuses(hex: string, read: (der: DerReader) => unknown, code: PkiErrorCode = 'DER_INVALID'): void {
  assert.throws(
    () => readDer(octets(hex), read),
    (error) => error instanceof PkiError && error.code === code,
    hex,
  )
}

describe('reading DER', () => {
  const sequence = (der: DerReader): unknown => der.sequence((inner) => inner.each((each) => each.any()))

  it('keeps the octets of an element as they were', () => {
    const { encoded, content } = readDer(octets('04 03 010203'), (der) => der.any())
    assert.deepEqual([encoded, content], [octets('0403010203'), octets('010203')])
  })

  it('refuses lengths that are indefinite, not minimal, cut off or too long', () => {
    for (const hex of [
      '30 80 0000',
      '30 81 00',
      '30 8105 0403010203',
      '30 820080',
      '30 85 0000000001 00',
      '30 81',
      '30',
    ]) {
      refuses(hex, sequence)
    }
    refuses('30 05 0403 0102', sequence)
    refuses('30 03 0403 0102', sequence)
  })

  it('refuses octets after the end, inside and outside', () => {
    refuses('05 00 00', (der) => der.null())
    refuses('30 04 0500 0500', (der) => der.sequence((inner) => inner.null()))
  })

  it('refuses tag numbers over 30', () => refuses('1f 1f 00', (der) => der.any()))

  it('refuses a tag other than the one needed, and says both', () => {
    assert.throws(
      () => readDer(octets('0500'), (der) => der.octetString()),
      /found tag 0x05, need 0x04 \(at byte 0\)/,
    )
  })

  it('refuses integers that are empty or not minimal', () => {
    for (const hex of ['02 00', '02 02 0001', '02 02 ff80']) refuses(hex, (der) => der.integer())
    assert.deepEqual(
      readDer(octets('02 02 0080'), (der) => der.integer()),
      octets('0080'),
    )
  })

  it('reads small integers only where they are small', () => {
    assert.equal(
      readDer(octets('02 04 7fffffff'), (der) => der.smallInteger()),
      0x7fffffff,
    )
    for (const hex of ['02 01 80', '02 05 0080000000']) refuses(hex, (der) => der.smallInteger())
  })

  it('refuses booleans that are the default or not FF', () => {
    for (const hex of ['01 01 00', '01 01 01', '01 00', '01 02 ffff'])
      refuses(hex, (der) => der.booleanDefaultFalse())
    assert.equal(
      readDer(octets('01 01 ff'), (der) => der.booleanDefaultFalse()),
      true,
    )
  })

  it('refuses bit strings that count wrongly or have unused bits set', () => {
    for (const hex of ['03 00', '03 01 01', '03 02 08ff', '03 02 01ff'])
      refuses(hex, (der) => der.bitString())
    refuses('03 02 01fe', (der) => der.octetsInBitString())
    assert.deepEqual(
      readDer(octets('03 02 01fe'), (der) => der.bitString()),
      { unusedBits: 1, bytes: octets('fe') },
    )
  })

  it('refuses text that is not ASCII in an IA5String, and a NULL with content', () => {
    refuses('16 02 61e4', (der) => der.ia5String())
    refuses('05 01 00', (der) => der.null())
  })

  it('stops at the depth budget', () => {
    const dive = (der: DerReader): unknown =>
      der.inside(tag.sequence, (inner) => (inner.finished ? 0 : dive(inner)))
    let nested = new Uint8Array(0)
    for (let depth = 0; depth <= derBudget.depth; depth++)
      nested = Uint8Array.of(tag.sequence, nested.length, ...nested)
    refuses(Buffer.from(nested).toString('hex'), dive, 'DER_BUDGET_EXCEEDED')
    assert.equal(readDer(nested.subarray(2), dive), 0)
  })

  it('stops at the size budget, before it reads anything', () => {
    const large = new Uint8Array(derBudget.bytes + 1)
    assert.throws(() => readDer(large, () => assert.fail('it was read')), { code: 'DER_BUDGET_EXCEEDED' })
    assert.equal(
      readDer(Uint8Array.of(5, 0), (der) => der.null(), 2),
      undefined,
    )
  })

  it('stops at the element budget', () => {
    const many = new Uint8Array((derBudget.elements + 1) * 2).fill(0)
    for (let at = 0; at < many.length; at += 2) many[at] = tag.null
    assert.throws(() => readDer(many, (der) => der.each((each) => each.null())), {
      code: 'DER_BUDGET_EXCEEDED',
    })
  })
})
