import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { WindowRecord } from './record.ts'
import { RecordStore } from './record-store.ts'

const all = { source: undefined, from: 0, to: Number.MAX_SAFE_INTEGER, limit: 100 }

function record(id: string, more: Partial<WindowRecord> = {}): WindowRecord {
  return { id, source: 'a', start: 0, end: 5000, count: 2, min: -1, max: 1.5, sum: 0.5, ...more }
}

test('what is written is found again, the newest first', () => {
  const store = new RecordStore(':memory:')
  const records = [record('1'), record('2', { start: 5000, end: 10_000 })]
  store.add(records)
  assert.deepEqual(store.find(all), records.toReversed())
})

test('writing twice is writing once', () => {
  const store = new RecordStore(':memory:')
  store.add([record('1')])
  store.add([record('1'), record('2')])
  assert.equal(store.size, 2)
})

test('all are written or none', () => {
  const store = new RecordStore(':memory:')
  const broken = { ...record('2'), count: 'two' } as unknown as WindowRecord
  assert.throws(() => store.add([record('1'), broken]))
  assert.equal(store.size, 0)
  store.add([record('1')])
  assert.equal(store.size, 1)
})

test('a query narrows by source, time and number', () => {
  const store = new RecordStore(':memory:')
  store.add([0, 1, 2, 3].map((n) => record(`${n}`, { source: n % 2 === 0 ? 'a' : 'b', start: n * 1000 })))
  const ids = (query: Partial<typeof all> | { source: string }) =>
    store.find({ ...all, ...query }).map(({ id }) => id)
  assert.deepEqual(ids({ source: 'b' }), ['3', '1'])
  assert.deepEqual(ids({ from: 1000, to: 3000 }), ['2', '1'])
  assert.deepEqual(ids({ limit: 1 }), ['3'])
  assert.deepEqual(ids({ source: "b' OR 1 --" }), [])
})

test('records outlive the process; the folder is made', () => {
  const folder = mkdtempSync(join(tmpdir(), 'record-store-'))
  try {
    const file = join(folder, 'new', 'lake.db')
    const first = new RecordStore(file)
    first.add([record('1')])
    first.close()
    const second = new RecordStore(file)
    assert.equal(second.size, 1)
    second.close()
  } finally {
    rmSync(folder, { recursive: true })
  }
})
