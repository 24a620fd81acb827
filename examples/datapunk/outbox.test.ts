import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Outbox } from './outbox.ts'
import { MAX_RECORDS, type WindowRecord } from './record.ts'

function records(from: number, length: number): WindowRecord[] {
  return Array.from({ length }, (_, n) => ({
    id: String(from + n),
    source: 'a',
    start: 0,
    end: 1,
    count: 1,
    min: 0,
    max: 0,
    sum: 0,
  }))
}

test('what could not be written goes with the next, in order', async () => {
  const written: string[] = []
  let broken = true
  const outbox = new Outbox(async (batch) => {
    if (broken) throw new Error('no lake')
    written.push(...batch.map(({ id }) => id))
  }, 10)
  outbox.put(records(0, 2))
  await assert.rejects(outbox.send(), { message: 'no lake' })
  outbox.put(records(2, 1))
  broken = false
  assert.equal(await outbox.send(), 3)
  assert.deepEqual(written, ['0', '1', '2'])
  assert.equal(outbox.waiting, 0)
})

test('many go in batches that lake takes', async () => {
  const sizes: number[] = []
  const outbox = new Outbox(async (batch) => void sizes.push(batch.length), 1000)
  outbox.put(records(0, MAX_RECORDS + 1))
  await outbox.send()
  assert.deepEqual(sizes, [MAX_RECORDS, 1])
})

test('too many drop the oldest, and it is counted', async () => {
  const written: string[] = []
  const outbox = new Outbox(async (batch) => void written.push(...batch.map(({ id }) => id)), 3)
  outbox.put(records(0, 5))
  await outbox.send()
  assert.deepEqual(written, ['2', '3', '4'])
  assert.equal(outbox.dropped, 2)
})

test('what comes while others are written is written after them', async () => {
  const written: string[] = []
  const outbox = new Outbox(async (batch) => {
    if (written.length === 0) outbox.put(records(1, 1))
    written.push(...batch.map(({ id }) => id))
  }, 10)
  outbox.put(records(0, 1))
  assert.equal(await outbox.send(), 2)
  assert.deepEqual(written, ['0', '1'])
})
