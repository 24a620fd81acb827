import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tilesOfEntries } from './log-entries.ts'

test('the tiles of entries are those that hold one of them', () => {
  for (const [from, size, tiles] of [
    [0, 0, []],
    [0, 1, [0]],
    [0, 256, [0]],
    [255, 257, [0, 1]],
    [256, 256, []],
    [700, 700, []],
    [511, 1025, [1, 2, 3, 4]],
  ] as const)
    assert.deepEqual([...tilesOfEntries(from, size)], tiles, `${from} to ${size}`)
})

test('however large a log claims to be, its tiles come one by one', () => {
  assert.deepEqual(
    tilesOfEntries(2 ** 41, 2 ** 53 - 1)
      .take(2)
      .toArray(),
    [2 ** 33, 2 ** 33 + 1],
  )
})
