import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type NoteSignature, type NoteVerifier, openNote, signNote } from './signed-note.ts'

const text = 'first\n\nsecond\n'

/** A pretended key: its signature of a text is the text's length. */
function key(name: string, id: number): { verifier: NoteVerifier; signature: NoteSignature } {
  return {
    verifier: { name, id, verify: (text, body) => body.length === 1 && body[0] === text.length },
    signature: { name, id, body: Uint8Array.of(text.length) },
  }
}

const ours = key('log.example', 0xdeadbeef)
const theirs = key('witness.example', 7)
const good = Buffer.from(signNote(text, [ours.signature]))

function refused(octets: Uint8Array, code: string): void {
  assert.throws(() => openNote(octets, [ours.verifier]), { code })
}

describe('signed notes', () => {
  it('have the lines that the specification shows', () => {
    assert.equal(good.toString(), `${text}\n\u2014 log.example 3q2+7w4=\n`)
  })

  it('give the text, which may have empty lines, and the known signatures', () => {
    const note = signNote(text, [theirs.signature, ours.signature])
    const opened = openNote(note, [ours.verifier])
    assert.equal(opened.text, text)
    assert.deepEqual(
      opened.signatures.map(({ name, id }) => ({ name, id })),
      [{ name: 'log.example', id: 0xdeadbeef }],
    )
    assert.equal(openNote(note, [ours.verifier, theirs.verifier]).signatures.length, 2)
  })

  it('need a name and an ID to know a key', () => {
    refused(signNote(text, [{ ...ours.signature, id: 1 }]), 'NOTE_SIGNATURE_INVALID')
    refused(signNote(text, [{ ...ours.signature, name: 'other' }]), 'NOTE_SIGNATURE_INVALID')
  })

  it('are refused whole when one known key signed wrongly', () => {
    const wrong = { ...theirs.signature, body: Uint8Array.of(0) }
    const note = signNote(text, [ours.signature, wrong])
    assert.equal(openNote(note, [ours.verifier]).text, text)
    assert.throws(() => openNote(note, [ours.verifier, theirs.verifier]), { code: 'NOTE_SIGNATURE_INVALID' })
    const twice = signNote(text, [ours.signature, { ...ours.signature, body: Uint8Array.of(0) }])
    refused(twice, 'NOTE_SIGNATURE_INVALID')
  })

  it('may have a hundred signatures, and sixteen large ones', () => {
    const many = (count: number, octets: number) =>
      signNote(text, [
        ...Array.from({ length: count - 1 }, (_, id) => ({ name: 'w', id, body: new Uint8Array(octets) })),
        ours.signature,
      ])
    assert.equal(openNote(many(100, 64), [ours.verifier]).text, text)
    assert.equal(openNote(many(16, 5000), [ours.verifier]).text, text)
    refused(many(101, 64), 'NOTE_INVALID')
    refused(many(60, 5000), 'NOTE_INVALID')
  })

  for (const [why, octets] of [
    ['nothing', Buffer.alloc(0)],
    ['no signature', Buffer.from(`${text}\n`)],
    ['no empty line', Buffer.from(good.toString().replaceAll('\n\n', '\n'))],
    ['a last line cut off', good.subarray(0, -1)],
    ['a hyphen for the dash', Buffer.from(good.toString().replace('\u2014', '-'))],
    ['two spaces', Buffer.from(good.toString().replace(' log', '  log'))],
    ['no name', Buffer.from(good.toString().replace('log.example ', ''))],
    ['a plus in a name', Buffer.from(good.toString().replace('log.', 'log+'))],
    ['a wide space in a name', Buffer.from(good.toString().replace('log.', 'log\u3000'))],
    ['no body', Buffer.from(good.toString().replace('3q2+7w4=', '3q2+7w=='))],
    ['bits left over', Buffer.from(good.toString().replace('w4=', 'w5='))],
    ['a carriage return', Buffer.from(good.toString().replace('second', 'second\r'))],
    ['a tab', Buffer.from(good.toString().replace('second', '\t'))],
    ['octets that are no UTF-8', Buffer.concat([Buffer.from([0xff]), good])],
    ['a line that is no signature', Buffer.concat([good, Buffer.from('more\n')])],
  ] as const) {
    it(`are refused with ${why}`, () => refused(octets, 'NOTE_INVALID'))
  }

  it('have a text in which each octet counts, a byte order mark too', () => {
    refused(Buffer.concat([Buffer.from('\ufeff'), good]), 'NOTE_SIGNATURE_INVALID')
  })

  it('throw nothing but their own error, whatever the octets', () => {
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.uint8Array({ maxLength: 3 }), (at, spoilt) => {
        const note = Buffer.concat([good.subarray(0, at), spoilt, good.subarray(at + 1)])
        try {
          openNote(note, [ours.verifier])
        } catch (error) {
          assert.match(String((error as { code?: unknown }).code), /^NOTE_/)
        }
      }),
    )
  })

  it('are not made of what could not be read', () => {
    assert.throws(() => signNote('no newline', [ours.signature]), RangeError)
    assert.throws(() => signNote('a\tb\n', [ours.signature]), RangeError)
    assert.throws(() => signNote(text, []), RangeError)
    assert.throws(() => signNote(text, [{ ...ours.signature, name: 'a b' }]), RangeError)
  })
})
