import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { ProtocolError } from './error.ts'
import { encodeRevoked, RevokedSet, revokedPrefix } from './revoked.ts'

const serial = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => Buffer.from(bytes).toString('hex'))

describe('the revoked serials', () => {
  test('are in the set, and no others that begin otherwise', () => {
    fc.assert(
      fc.property(
        fc.array(serial, { maxLength: 300 }),
        fc.array(serial, { maxLength: 50 }),
        (revoked, others) => {
          const set = RevokedSet.parse(encodeRevoked(revoked))
          const prefixes = new Set(revoked.map(revokedPrefix))
          assert.equal(set.size, prefixes.size)
          for (const one of revoked) assert.equal(set.has(one), true)
          for (const one of others) assert.equal(set.has(one), prefixes.has(revokedPrefix(one)))
        },
      ),
    )
  })

  test('are found among many that begin alike', () => {
    const alike = Array.from({ length: 5000 }, (_, n) => n.toString(16).padStart(16, '0').padEnd(32, '5'))
    const set = RevokedSet.parse(encodeRevoked(alike))
    assert.equal(set.size, 5000)
    for (const one of alike) assert.equal(set.has(one), true)
    assert.equal(set.has('0000000000001388'.padEnd(32, '5')), false)
  })

  test('are the same number with a sign octet and without', () => {
    const set = RevokedSet.parse(encodeRevoked(['00a179dec3c2b3ba00112233445566778899']))
    assert.equal(set.has('a179dec3c2b3ba00112233445566778899'), true)
    assert.equal(revokedPrefix('01'), '0'.repeat(16))
  })

  test('give the same bytes in whatever order, and each once', () => {
    const [a, b] = ['11'.repeat(16), '22'.repeat(16)]
    assert.deepEqual(encodeRevoked([b, a, b]), encodeRevoked([a, b]))
    assert.equal(encodeRevoked([a, b]).byteLength, 16)
  })

  test('of any bytes are a set or a ProtocolError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          const set = RevokedSet.parse(bytes)
          assert.equal(set.size * 8, bytes.byteLength)
          for (let at = 0; at < bytes.byteLength; at += 8) {
            assert.equal(
              set.has(
                Buffer.from(bytes.subarray(at, at + 8))
                  .toString('hex')
                  .padEnd(32, '0'),
              ),
              true,
            )
          }
        } catch (error) {
          assert.ok(error instanceof ProtocolError && error.code === 'BUNDLE_INVALID', String(error))
        }
      }),
    )
    for (const bytes of [[1], [0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1], new Array(16).fill(7)]) {
      assert.throws(() => RevokedSet.parse(Uint8Array.from(bytes)), { code: 'BUNDLE_INVALID' })
    }
  })
})
