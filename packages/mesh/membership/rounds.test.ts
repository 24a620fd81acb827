import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Rounds } from './rounds.ts'

/** Rounds that are over when the test says so. */
function heldRounds() {
  const held: PromiseWithResolvers<void>[] = []
  const rounds = new Rounds(() => {
    const one = Promise.withResolvers<void>()
    held.push(one)
    return one.promise
  })
  /** Lets the one that runs be over, and the next begin. */
  const finish = async () => {
    held.at(-1)?.resolve()
    await new Promise(setImmediate)
  }
  return { rounds, finish, begun: () => held.length }
}

test('a round that is asked for while one is done begins when that is over, one for all who asked', async () => {
  const { rounds, finish, begun } = heldRounds()
  let answered = 0
  for (let n = 0; n < 3; n++) void rounds.run().then(() => answered++)
  assert.equal(begun(), 1)
  await finish()
  assert.deepEqual([begun(), answered], [2, 0])
  await finish()
  assert.deepEqual([begun(), answered], [2, 3])
  await rounds.quiet()
})

test('rounds that have ended begin no other', async () => {
  const { rounds, finish, begun } = heldRounds()
  void rounds.run()
  void rounds.run()
  const ended = rounds.end()
  await finish()
  await ended
  assert.equal(begun(), 1)
})
