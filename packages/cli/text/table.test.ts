import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { styleText } from 'node:util'
import fc from 'fast-check'
import { table } from './table.ts'

const rows = [
  ['SERVICE', 'UNTIL', 'NAMES'],
  ['lake', '2027-11-27T04:12:43Z', 'lake.service.datapunk, store.service.datapunk'],
  ['stream', '2027-11-27T04:12:43Z', 'stream.service.datapunk'],
]

describe('table', () => {
  test('aligns columns, and leaves the last one as long as it is', () => {
    assert.equal(
      table(rows),
      `SERVICE  UNTIL                 NAMES
lake     2027-11-27T04:12:43Z  lake.service.datapunk, store.service.datapunk
stream   2027-11-27T04:12:43Z  stream.service.datapunk
`,
    )
  })

  test('breaks the last column between words where there is less room', () => {
    assert.equal(
      table(rows, 60),
      `SERVICE  UNTIL                 NAMES
lake     2027-11-27T04:12:43Z  lake.service.datapunk,
                               store.service.datapunk
stream   2027-11-27T04:12:43Z  stream.service.datapunk
`,
    )
  })

  test('breaks every row before the same column where there is hardly any', () => {
    assert.equal(
      table(rows, 40),
      `SERVICE  UNTIL
    NAMES
lake     2027-11-27T04:12:43Z
    lake.service.datapunk,
    store.service.datapunk
stream   2027-11-27T04:12:43Z
    stream.service.datapunk
`,
    )
  })

  test('takes no style for text', () => {
    const styled = rows.map((row) => row.map((cell) => styleText('red', cell, { validateStream: false })))
    const plain = (text: string) => text.replaceAll(/\u001b\[\d+m/g, '')
    for (const room of [undefined, 60, 40]) assert.equal(plain(table(styled, room)), table(rows, room))
  })

  test('fits, but for words that do not, and loses none', () => {
    const word = fc.stringMatching(/^[a-z]{1,12}$/)
    const row = fc.tuple(
      word,
      word,
      word,
      fc.array(word, { maxLength: 9 }).map((words) => words.join(' ')),
    )
    fc.assert(
      fc.property(fc.array(row, { minLength: 1 }), fc.integer({ min: 32, max: 90 }), (some, room) => {
        const text = table(some, room)
        for (const line of text.trimEnd().split('\n'))
          assert.ok(line.length <= room, `${line.length}: ${line}`)
        assert.deepEqual(text.split(/\s+/).filter(Boolean), some.flat().join(' ').split(' ').filter(Boolean))
      }),
    )
  })
})
