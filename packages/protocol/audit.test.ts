import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { encodeAudit, parseAudit } from './audit.ts'
import { ProtocolError } from './error.ts'

const good = Buffer.from(encodeAudit({ size: 42, root: Buffer.alloc(32, 7) })).toString()

describe('the audit in a bundle', () => {
  test('is one line of JSON', () => {
    assert.equal(good, `{"size":42,"root":"${'07'.repeat(32)}"}\n`)
  })

  test('comes back', () => {
    const root = fc.uint8Array({ minLength: 32, maxLength: 32 })
    fc.assert(
      fc.property(fc.maxSafeNat(), root, (size, root) => {
        const parsed = parseAudit(encodeAudit({ size, root }))
        assert.deepEqual({ size: parsed.size, root: Uint8Array.from(parsed.root) }, { size, root })
      }),
    )
  })

  test('may say more in a later version', () => {
    assert.equal(parseAudit(Buffer.from(good.replace('}', ',"witnesses":3}'))).size, 42)
  })

  for (const [why, text] of [
    ['nothing', ''],
    ['no JSON', 'size'],
    ['another value', 'null'],
    ['no size', '{"root":"00"}'],
    ['a negative size', good.replace('42', '-1')],
    ['half a size', good.replace('42', '1.5')],
    ['a size over 2^53', good.replace('42', String(2 ** 53))],
    ['a size that is text', good.replace('42', '"42"')],
    ['a short root', good.replace('0707', '')],
    ['a root in upper case', good.replace('07', 'AA')],
    ['more than a kilobyte', good.replace('\n', ' '.repeat(1024))],
  ] as const) {
    test(`is refused with ${why}`, () => {
      assert.throws(() => parseAudit(Buffer.from(text)), { code: 'BUNDLE_INVALID' })
    })
  }

  test('of any bytes is a tree or a ProtocolError', () => {
    const json = fc.json().map((text) => Buffer.from(text))
    fc.assert(
      fc.property(fc.oneof(json, fc.uint8Array({ maxLength: 200 })), (bytes) => {
        try {
          assert.equal(parseAudit(bytes).root.length, 32)
        } catch (error) {
          assert.ok(error instanceof ProtocolError)
        }
      }),
    )
  })
})
