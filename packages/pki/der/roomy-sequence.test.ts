import assert from 'node:assert/strict'
import { it } from 'node:test'
import { RoomySequence } from './roomy-sequence.ts'
import { encodeDer } from './writer.ts'

it('writes what a writer does, whatever octets the lengths take, without moving what it holds', () => {
  const more = [Uint8Array.of(4, 1, 9), Uint8Array.of(5, 0)]
  for (const length of [0, 1, 127, 128, 255, 256, 65_530, 65_535, 65_536, 70_000, 17_000_000]) {
    const content = new Uint8Array(length).fill(7)
    const inner = encodeDer((der) => der.sequence(() => der.raw(content)))
    const outer = encodeDer((der) =>
      der.sequence(() => {
        der.raw(inner)
        for (const each of more) der.raw(each)
      }),
    )
    const sequence = new RoomySequence([content.subarray(0, length >> 1), content.subarray(length >> 1)], 5)
    const { der } = sequence
    assert.ok(Buffer.from(der).equals(inner), `${length} octets`)
    const whole = sequence.enclosedWith(more)
    assert.ok(Buffer.from(whole).equals(outer), `${length} octets, enclosed`)
    assert.equal(whole.buffer, der.buffer)
  }
})

it('refuses what it has no room for', () => {
  assert.throws(() => new RoomySequence([], 1).enclosedWith([Uint8Array.of(5, 0)]), RangeError)
})
