import assert from 'node:assert/strict'
import { generateKeyPairSync, sign, verify } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { PageError } from '../page-error.ts'
import { rawSignature } from './ecdsa-signature.ts'

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
const octets = (hex: string) => Uint8Array.fromHex(hex.replaceAll(' ', ''))

describe('rawSignature', () => {
  test('is the signature that WebCrypto checks', () => {
    for (let number = 0; number < 100; number++) {
      const message = Buffer.from(`message ${number}`)
      const raw = rawSignature(sign('sha256', message, privateKey))
      assert.ok(verify('sha256', message, { key: publicKey, dsaEncoding: 'ieee-p1363' }, raw))
    }
  })

  test('fills up short numbers, and drops the octet that only says positive', () => {
    const raw = rawSignature(octets('3007 0201 05 0202 00ff'))
    assert.deepEqual([raw.length, raw[31], raw[63]], [64, 5, 255])
  })

  for (const [what, hex] of [
    ['a negative number', '3006 0201 85 0201 05'],
    ['a number longer than it need be', '3007 0202 0005 0201 05'],
    ['no second number', '3003 0201 05'],
    ['a third number', '3009 0201 05 0201 05 0201 05'],
    ['something after it', '3006 0201 05 0201 05 00'],
    ['a length longer than it need be', '308106 0201 05 0201 05'],
    ['a length without an end', '3080 0201 05 0201 05 0000'],
    ['a number of 33 octets', `3026 0221 01${'00'.repeat(32)} 0201 05`],
    ['an empty number', '3005 0200 0201 05'],
    ['another type', '3106 0201 05 0201 05'],
  ] as const) {
    test(`refuses one with ${what}`, () => {
      assert.throws(() => rawSignature(octets(hex)), { code: 'PROOF_MALFORMED' })
    })
  }

  test('refuses other octets in its own words', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (other) => {
        try {
          assert.equal(rawSignature(other).length, 64)
        } catch (error) {
          assert.ok(error instanceof PageError)
        }
      }),
    )
  })
})
