import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { readDer } from './der/reader.ts'
import { tag } from './der/tag.ts'
import { encodeDer } from './der/writer.ts'
import { encodeName, type Name, readName } from './name.ts'
import { oids } from './oids.ts'

const parse = (der: Uint8Array): Name => readDer(der, readName)
const text = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  .filter((each) => each.isWellFormed())

/** A name of one attribute with any octets as its value. */
function oneAttribute(type: string, form: number, content: Uint8Array): Uint8Array {
  return encodeDer((der) =>
    der.sequence(() =>
      der.set(() =>
        der.sequence(() => {
          der.oid(type)
          der.element(form, content)
        }),
      ),
    ),
  )
}

const octets = (value: string): Uint8Array => new TextEncoder().encode(value)

describe('names', () => {
  it('come back, in the order C, O, CN', () => {
    fc.assert(
      fc.property(text, text, (commonName, organization) => {
        const name = parse(encodeName({ commonName, organization, country: 'US' }))
        assert.equal(name.commonName, commonName)
        assert.deepEqual([name.organization, name.country], [[organization], ['US']])
      }),
    )
    assert.equal(
      parse(
        encodeName({ commonName: 'lake.service.datapunk', organization: 'Datapunk', country: 'US' }),
      ).toString(),
      'CN=lake.service.datapunk,O=Datapunk,C=US',
    )
  })

  it('may be empty', () => {
    assert.equal(parse(encodeName({})).isEmpty, true)
    assert.equal(parse(encodeName({})).toString(), '')
  })

  it('are equal when their octets are', () => {
    const name = encodeName({ commonName: 'a' })
    assert.ok(parse(name).equals(parse(new Uint8Array(name))))
    assert.ok(!parse(name).equals(parse(encodeName({ commonName: 'A' }))))
  })

  it('are escaped as RFC 4514 says, control characters too', () => {
    const shown = (commonName: string): string => parse(encodeName({ commonName })).toString()
    assert.equal(shown('James "Jim" Smith, III'), 'CN=James \\"Jim\\" Smith\\, III')
    assert.equal(shown('#a '), 'CN=\\#a\\ ')
    assert.equal(shown('a\u001b[31m\u202eb'), 'CN=a\\1b[31m\\e2\\80\\aeb')
  })

  it('show what has no short name as object identifier and octets', () => {
    assert.equal(parse(oneAttribute('1.2.3', tag.utf8String, octets('x'))).toString(), '1.2.3=#0c0178')
  })

  it('are read in every string type', () => {
    for (const [form, content] of [
      [tag.printableString, octets('Zurich')],
      [tag.teletexString, Uint8Array.of(0x5a, 0xfc, 0x72, 0x69, 0x63, 0x68)],
      [tag.bmpString, Uint8Array.of(0x00, 0x5a, 0x00, 0xfc)],
      [tag.universalString, Uint8Array.of(0, 0, 0, 0x5a, 0, 1, 0xf6, 0)],
    ] as const) {
      assert.match(parse(oneAttribute(oids.localityName, form, content)).toString(), /^L=Z/)
    }
  })

  for (const [why, der] of [
    ['text that is not UTF-8', oneAttribute(oids.commonName, tag.utf8String, Uint8Array.of(0xc0, 0x80))],
    ['an empty text', oneAttribute(oids.commonName, tag.utf8String, new Uint8Array(0))],
    ['a star in a PrintableString', oneAttribute(oids.commonName, tag.printableString, octets('*'))],
    ['half a BMPString character', oneAttribute(oids.commonName, tag.bmpString, Uint8Array.of(0))],
    ['half a surrogate pair', oneAttribute(oids.commonName, tag.bmpString, Uint8Array.of(0xd8, 0))],
    [
      'a point outside Unicode',
      oneAttribute(oids.commonName, tag.universalString, Uint8Array.of(0xff, 0, 0, 0)),
    ],
    ['an empty relative name', Uint8Array.of(tag.sequence, 2, tag.set, 0)],
  ] as const) {
    it(`are refused with ${why}`, () => assert.throws(() => parse(der), { code: 'DER_INVALID' }))
  }

  it('are refused when a SET OF is not in order', () => {
    const two = (first: string, second: string): Uint8Array =>
      encodeDer((der) =>
        der.sequence(() =>
          der.set(() => {
            for (const value of [first, second]) {
              der.sequence(() => {
                der.oid(oids.commonName)
                der.utf8(value)
              })
            }
          }),
        ),
      )
    assert.equal(parse(two('a', 'b')).toString(), 'CN=a+CN=b')
    assert.throws(() => parse(two('b', 'a')), { code: 'DER_INVALID' })
    assert.throws(() => parse(two('a', 'a')), { code: 'DER_INVALID' })
  })

  it('are not made of parts that are empty, too long, or no country', () => {
    assert.equal(parse(encodeName({ commonName: '😀'.repeat(64) })).commonName?.length, 128)
    for (const parts of [
      { commonName: 'x'.repeat(65) },
      { organization: '' },
      { organization: '\ud800' },
      { country: 'us' },
      { country: 'USA' },
    ]) {
      assert.throws(() => encodeName(parts), { code: 'NAME_INVALID' })
    }
  })
})
