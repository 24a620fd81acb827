import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { readDer } from './reader.ts'
import { tag } from './tag.ts'
import { encodeDer, sequenceHeader } from './writer.ts'

describe('writing DER', () => {
  for (const length of [0, 1, 127, 128, 255, 256, 5000, 65_535, 65_536, 70_000]) {
    it(`${length} octets come back, as an element and inside a sequence`, () => {
      const content = new Uint8Array(length).fill(7)
      const der = encodeDer((writer) =>
        writer.sequence(() => {
          writer.octetString(content)
          writer.sequence(() => writer.octetStringOf(() => writer.raw(content)))
        }),
      )
      const read = readDer(
        der,
        (reader) =>
          reader.sequence((outer) => [outer.octetString(), outer.sequence((inner) => inner.octetString())]),
        0x10_0000,
      )
      assert.deepEqual(read, [content, content])
    })
  }

  it('integers come back without needless octets', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 24 }), (magnitude) => {
        const content = readDer(
          encodeDer((writer) => writer.unsignedInteger(magnitude)),
          (reader) => reader.integer(),
        )
        const hex = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
        assert.equal(hex(content), hex(magnitude))
        assert.ok((content[0] as number) < 0x80)
      }),
    )
  })

  it('small integers come back', () => {
    fc.assert(
      fc.property(fc.nat(), (value) => {
        assert.equal(
          readDer(
            encodeDer((writer) => writer.smallInteger(value)),
            (reader) => reader.smallInteger(),
          ),
          value,
        )
      }),
    )
  })

  it('text comes back, ASCII and not', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), (text) => {
        const content = readDer(
          encodeDer((writer) => writer.utf8(text)),
          (reader) => reader.content(tag.utf8String),
        )
        assert.equal(new TextDecoder().decode(content), text)
      }),
    )
  })

  it('a value encoded while another is being written does not disturb it', () => {
    const der = encodeDer((outer) =>
      outer.sequence(() => {
        outer.booleanTrue()
        outer.raw(encodeDer((inner) => inner.null()))
      }),
    )
    assert.deepEqual(der, Uint8Array.of(0x30, 5, 1, 1, 0xff, 5, 0))
  })

  it('the header of a sequence is the one that is written', () => {
    for (const length of [0, 127, 128, 255, 256, 65_535, 65_536, 0x100_0000]) {
      const content = new Uint8Array(length)
      const written = encodeDer((der) => der.sequence(() => der.raw(content)))
      assert.deepEqual(sequenceHeader(length), written.subarray(0, written.length - length))
    }
  })

  it('a value encoded before is not touched by the next', () => {
    const before = encodeDer((writer) => writer.octetString(Uint8Array.of(1, 2, 3)))
    encodeDer((writer) => writer.octetString(Uint8Array.of(9, 9, 9)))
    assert.deepEqual(before, Uint8Array.of(4, 3, 1, 2, 3))
  })
})
