import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KeptAnswer, keptPer } from './kept-answer.ts'

test('is made again when anything that it is made from is another, or is more, or less', () => {
  const kept = new KeptAnswer<number>()
  const [rows, others] = [[1], [1]]
  let made = 0
  const of = (...from: unknown[]) => kept.of(from, () => ++made)
  assert.deepEqual([of(rows, 'a'), of(rows, 'a'), of(others, 'a'), of(others, 'b')], [1, 1, 2, 3])
  assert.deepEqual([of(others), of(others), of(), of(), of(others)], [4, 4, 5, 5, 6])
})

test('what could not be made is not kept', () => {
  const kept = new KeptAnswer<number>()
  const fails = () => {
    throw new Error('no')
  }
  assert.throws(() => kept.of([], fails))
  assert.equal(
    kept.of([], () => 1),
    1,
  )
})

test('each object has its own', () => {
  const kept = keptPer<string>()
  const [one, other] = [{}, {}]
  assert.equal(kept(one), kept(one))
  assert.notEqual(kept(one), kept(other))
})
