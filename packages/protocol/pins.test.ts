import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { parseConfig } from './config/parse.ts'
import { ProtocolError } from './error.ts'
import { encodePins, parsePins, pinOf } from './pins.ts'
import { applySectionDifference, sectionDifference } from './section-difference.ts'
import { SERVICE_NAME } from './service-identity.ts'

const pin = (name: string) => pinOf(hash('sha256', name, 'hex'))

const refused = (text: string | Uint8Array) =>
  assert.throws(
    () => parsePins(Buffer.from(text)),
    (error) => error instanceof ProtocolError && error.code === 'BUNDLE_INVALID',
  )

const service = fc.stringMatching(SERVICE_NAME)
const pinned = fc.dictionary(service, fc.array(fc.string().map(pin), { maxLength: 4 }))

describe('the section of pins', () => {
  test('has the pins of RFC 7469', () => {
    // The pin of RFC 7469 A, which is of the hash that its base64 says.
    const known = 'd6qzRu9zOECb90Uez27xWltNsj0e1Md7GkYYkVoZWmM='
    assert.equal(pinOf(Buffer.from(known, 'base64').toString('hex')), known)
  })

  test('comes back as it was, and is the same bytes in whatever order it comes', () => {
    fc.assert(
      fc.property(pinned, fc.constantFrom('report', 'required'), (pins, mode) => {
        const entries = Object.entries(pins)
        const bytes = encodePins(mode, new Map(entries))
        const backwards = entries.map(([name, own]) => [name, own.toReversed()] as const).toReversed()
        assert.deepEqual(encodePins(mode, new Map(backwards)), bytes)
        const of = new Map(entries.map(([name, own]) => [name, new Set(own)]))
        assert.deepEqual(parsePins(bytes), { mode, of })
      }),
    )
  })

  test('tells of a change in a few bytes, and the difference makes the section', () => {
    const many = (changed: string) =>
      encodePins(
        'required',
        new Map(
          Array.from({ length: 500 }, (_, index) => [
            `s${index}`,
            [pin(`${index} now`), pin(index === 250 ? changed : `${index} next`)],
          ]),
        ),
      )
    const [base, next] = [many('one'), many('another')]
    const difference = sectionDifference('pins', base, next)!
    assert.ok(difference.byteLength < next.byteLength / 100)
    assert.deepEqual(
      Buffer.from(applySectionDifference(base, difference, next.byteLength)),
      Buffer.from(next),
    )
  })

  test('of any bytes is a ProtocolError', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), refused))
    fc.assert(fc.property(fc.json(), refused))
  })

  test('with a pin, a name or a mode that is none is refused', () => {
    const section = (name: string, value: string, mode = 'required') =>
      JSON.stringify({ mode, pins: { [name]: [value] } })
    assert.ok(parsePins(Buffer.from(section('lake', pin('a')))))
    refused(section('lake', pin('a'), 'off'))
    refused(section('Lake', pin('a')))
    refused(section('lake-', pin('a')))
    refused(section('lake', pin('a').slice(1)))
    refused(section('lake', pin('a').toLowerCase().replace('=', '')))
    refused(section('lake', `${pin('a')}\n`))
    // The same 32 octets, with unused bits set: two texts would be one pin.
    refused(section('lake', 'd6qzRu9zOECb90Uez27xWltNsj0e1Md7GkYYkVoZWmN='))
    // No service can be called so; nobody is pinned by it.
    assert.equal(parsePins(Buffer.from('{"mode":"required","pins":{"__proto__":[]}}')).of.size, 0)
  })
})

describe('pinning in the config', () => {
  const pinningOf = (text: string) => parseConfig(`services: { a: {} }\n${text}`, { file: 'x.yaml' }).pinning

  test('is required unless it says otherwise', () => {
    assert.equal(pinningOf(''), 'required')
    for (const mode of ['off', 'report', 'required']) assert.equal(pinningOf(`pinning: ${mode}`), mode)
    assert.throws(
      () => pinningOf('pinning: sometimes'),
      /found "sometimes"; allowed: one of off, report, required/,
    )
  })
})
