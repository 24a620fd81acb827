import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endAll } from './end-all.ts'

test('every step is taken in its turn, and the first that failed is told', async () => {
  const taken: number[] = []
  const steps = [
    async () => taken.push(1),
    async () => {
      await new Promise(setImmediate)
      taken.push(2)
      throw new Error('the second')
    },
    () => {
      taken.push(3)
      throw new Error('the third')
    },
    () => taken.push(4),
  ]
  await assert.rejects(endAll(steps), { message: 'the second' })
  assert.deepEqual(taken, [1, 2, 3, 4])
  await endAll([])
})

test('a step that throws nothing at all has failed too', async () => {
  await assert.rejects(
    endAll([() => Promise.reject(undefined)]).catch((error) => {
      throw new Error(`threw ${error}`)
    }),
    { message: 'threw undefined' },
  )
})
