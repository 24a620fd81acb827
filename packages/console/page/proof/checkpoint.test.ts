import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { FakeLog } from '../../testing/fake-log.ts'
import { PageError } from '../page-error.ts'
import { parseCheckpoint } from './checkpoint.ts'

const NOW = Date.UTC(2026, 10, 27)
const log = new FakeLog(() => NOW)
log.add(`5${'0'.repeat(31)}`, 'lake.service.datapunk', NOW)
const { checkpoint: note } = (await log.proof(`5${'0'.repeat(31)}`))!
const refused = { code: 'PROOF_MALFORMED' }

describe('parseCheckpoint', () => {
  test('reads what a log signs', () => {
    const { origin, size, signedAt, root, keyId } = parseCheckpoint(note)
    assert.deepEqual([origin, size, signedAt, root.length, keyId.length], [log.origin, 1, NOW, 32, 4])
  })

  test('passes over signatures of others', () => {
    assert.deepEqual(parseCheckpoint(`${note}\u2014 witness AAAAAAAA\n`), parseCheckpoint(note))
  })

  for (const [what, changed] of [
    ['no signature', note.slice(0, note.indexOf('\u2014'))],
    ['two signatures of the log', note + note.slice(note.indexOf('\u2014'))],
    ['only one of another name', note.replace(`\u2014 ${log.origin}`, '\u2014 witness')],
    ['an extension line', note.replace('\n\n', '\nmore\n\n')],
    ['a size that is none', note.replace('\n1\n', '\n01\n')],
    ['a size too large', note.replace('\n1\n', '\n9999999999999999\n')],
    ['an end that is cut off', note.slice(0, -1)],
    ['more than anybody signs', `${note}\u2014 witness ${'A'.repeat(70_000)}\n`],
    ['a root that is none', note.replace(/\n[^\n]+=\n\n/, '\nAAAA\n\n')],
  ] as const) {
    test(`refuses one with ${what}`, () => assert.throws(() => parseCheckpoint(changed), refused))
  }

  test('refuses whatever else is no checkpoint, and says so in its own words', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        assert.throws(() => parseCheckpoint(text), PageError)
      }),
    )
  })
})
