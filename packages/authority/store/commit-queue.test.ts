import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { CommitQueue, type Flush } from './commit-queue.ts'

const work = () => 1

/** A queue whose flush answers so, and how many jobs each was given. */
function newQueue(settles: (flush: number, isLast: boolean) => boolean) {
  const flushed: number[] = []
  const flush: Flush = (jobs, isLast) => {
    flushed.push(jobs.length)
    if (!settles(flushed.length, isLast)) return false
    for (const { resolve } of jobs) resolve(isLast)
    return true
  }
  return { queue: new CommitQueue(flush), flushed }
}

test('what has to wait is tried again after a while, with what has come in since', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { queue, flushed } = newQueue((flush) => flush >= 3)
  const first = queue.add(work)
  await nextTurn()
  const second = queue.add(work)
  await nextTurn()
  assert.deepEqual(flushed, [1])
  t.mock.timers.tick(50)
  const third = queue.add(work)
  await nextTurn()
  t.mock.timers.tick(50)
  assert.deepEqual(await Promise.all([first, second, third]), [false, false, false])
  assert.deepEqual(flushed, [1, 2, 3])
  // And the next one waits for nothing.
  const fourth = queue.add(work)
  await nextTurn()
  assert.equal(await fourth, false)
})

test('what has waited for seconds is tried for the last time; so is what waits when the queue is closed', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { queue, flushed } = newQueue((_, isLast) => isLast)
  const first = queue.add(work)
  await nextTurn()
  for (let n = 0; n < 60; n++) t.mock.timers.tick(50)
  assert.equal(await first, true)
  assert.equal(flushed.length, 50)
  const second = queue.add(work)
  await nextTurn()
  queue.flushNow()
  assert.equal(await second, true)
  t.mock.timers.tick(50)
  assert.equal(flushed.length, 52)
})
