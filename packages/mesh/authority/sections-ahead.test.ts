import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import { sectionDifference } from '@datapunk/protocol'
import { SectionsAhead } from './sections-ahead.ts'

const lines = (count: number) => Buffer.from(Array.from({ length: count }, (_, n) => `line ${n}\n`).join(''))
const digestOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

describe('a difference that went ahead of its head', () => {
  const base = { digest: digestOf(lines(50)), bytes: lines(50) }
  const section = lines(51)
  const ref = { digest: digestOf(section), size: section.byteLength }
  const difference = sectionDifference('members', base.bytes, section)!
  const good = { digest: ref.digest, base: base.digest, difference }

  test('makes the section, once', () => {
    const ahead = new SectionsAhead()
    ahead.keep(good)
    assert.deepEqual(ahead.take(ref, base), section)
    assert.equal(ahead.take(ref, base), undefined)
  })

  for (const [what, message] of Object.entries({
    'of another base': { ...good, base: digestOf(section) },
    'of another section': { ...good, digest: base.digest },
    'that makes other bytes': { ...good, difference: Buffer.from(`{"edits":["${'x'.repeat(ref.size)}"]}`) },
    'that makes more bytes': { ...good, difference: sectionDifference('members', base.bytes, lines(52))! },
    'that is none': { ...good, difference: Buffer.from('nonsense') },
  })) {
    test(`${what} is no section`, () => {
      const ahead = new SectionsAhead()
      ahead.keep(message)
      assert.equal(ahead.take(ref, base), undefined)
    })
  }

  test('gives way to later ones', () => {
    const ahead = new SectionsAhead()
    ahead.keep(good)
    for (let n = 0; n < 8; n++) ahead.keep({ ...good, digest: digestOf(lines(n)) })
    assert.equal(ahead.take(ref, base), undefined)
  })
})
