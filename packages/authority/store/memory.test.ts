import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Fate, MemoryStore } from './memory.ts'
import type { ServiceRow } from './rows.ts'

const row: ServiceRow = {
  service: 'lake',
  spiffeId: 'spiffe://d/lake',
  state: 'member',
  settings: '{}',
  since: 1,
  barredAt: undefined,
}

/** A store whose second commit has the given fate, after that commit was tried with two writes. */
async function afterSecondCommit(fate: Fate): Promise<{ store: MemoryStore; outcomes: unknown[] }> {
  const store = new MemoryStore({ commit: (commit) => (commit === 2 ? fate : 'kept') })
  const put = (service: string) => store.write((transaction) => transaction.putService({ ...row, service }))
  await put('first')
  const settled = await Promise.allSettled([put('second'), put('third')])
  await put('fourth')
  return { store, outcomes: settled.map((one) => (one.status === 'rejected' ? one.reason.code : 'resolved')) }
}

const names = (store: MemoryStore) => store.services().map(({ service }) => service)

test('a commit that is lost rejects its writes and leaves nothing; the next one is kept', async () => {
  const { store, outcomes } = await afterSecondCommit('lost')
  assert.deepEqual(outcomes, ['STORE_FAILED', 'STORE_FAILED'])
  assert.deepEqual(names(store), ['first', 'fourth'])
})

test('a store goes on from the rows of another, however long its audit is', async () => {
  const store = new MemoryStore()
  // More than can be arguments of one call.
  const entries = 200_000
  await store.write((transaction) => {
    for (let at = 0; at < entries; at++) transaction.addAudit({ at, actor: 'up', deed: 'issued', entry: {} })
  })
  assert.equal(new MemoryStore({ rows: store }).audit(entries - 1, 1)[0]?.at, entries - 1)
})

test('a commit may be kept although it was reported as lost', async () => {
  const { store, outcomes } = await afterSecondCommit('kept-but-failed')
  assert.deepEqual(outcomes, ['STORE_FAILED', 'STORE_FAILED'])
  assert.deepEqual(names(store), ['first', 'fourth', 'second', 'third'])
})

test('commits are counted from 1, and all are kept unless the test says otherwise', async () => {
  const { store, outcomes } = await afterSecondCommit('kept')
  assert.deepEqual(outcomes, ['resolved', 'resolved'])
  assert.equal(names(store).length, 4)
})
