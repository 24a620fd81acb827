import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { decodePem, encodePem } from './pem.ts'

const octets = fc.uint8Array({ minLength: 1, maxLength: 300 })
const good = encodePem('CERTIFICATE', Uint8Array.of(1, 2, 3))

describe('PEM', () => {
  it('comes back, block after block, with LF and with CRLF', () => {
    fc.assert(
      fc.property(fc.array(octets, { minLength: 1, maxLength: 4 }), (blocks) => {
        const text = blocks.map((block) => encodePem('CERTIFICATE', block)).join('')
        assert.deepEqual(decodePem(text, 'CERTIFICATE'), blocks)
        assert.deepEqual(decodePem(Buffer.from(text.replaceAll('\n', '\r\n')), 'CERTIFICATE'), blocks)
      }),
    )
  })

  it('may have words between its blocks', () => {
    assert.equal(decodePem(`# our root\n${good}\nand again\n${good}`, 'CERTIFICATE').length, 2)
  })

  for (const [why, text] of [
    ['nothing', ''],
    ['another label', good.replaceAll('CERTIFICATE', 'PRIVATE KEY')],
    ['a second block of another label', good + good.replaceAll('CERTIFICATE', 'PRIVATE KEY')],
    ['no end', good.slice(0, -20)],
    ['an end of another label', good.replace('END CERTIFICATE', 'END X509')],
    ['a beginning inside', `-----BEGIN CERTIFICATE-----\n${good}`],
    ['an end without a beginning', '-----END CERTIFICATE-----\n'],
    ['an empty block', '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n'],
    ['a space in a line', good.replace('AQID', 'AQ ID')],
    ['base64 cut off', good.replace('AQID', 'AQI')],
    ['base64 with bits left over', good.replace('AQID', 'AQJ=')],
    ['padding in the middle', good.replace('AQID', 'AQ==AQID')],
    ['the other base64', good.replace('AQID', 'AQ-_')],
    ['headers', good.replace('AQID', 'Proc-Type: 4,ENCRYPTED\n\nAQID')],
    ['a very long line', good.replace('AQID', 'AQID'.repeat(50))],
  ] as const) {
    it(`is refused with ${why}`, () => {
      assert.throws(() => decodePem(text, 'CERTIFICATE'), { code: 'PEM_INVALID' })
    })
  }

  it('names the line', () => {
    assert.throws(() => decodePem(`one\ntwo\n${good.replace('AQID', '!')}`, 'CERTIFICATE'), /line 4/)
  })

  it('is refused over its budgets', () => {
    assert.throws(() => decodePem('x'.repeat(2_000_000), 'CERTIFICATE'), { code: 'PEM_INVALID' })
    assert.throws(() => decodePem(good.repeat(1001), 'CERTIFICATE'), { code: 'PEM_INVALID' })
  })
})
