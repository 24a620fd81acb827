import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryStore } from '../store/memory.ts'
import { type AuditQuery, readAudit } from './read-audit.ts'

test('the audit is read from a time on, and of one service with its instances', async () => {
  const store = new MemoryStore()
  await store.write((transaction) => {
    const service = { spiffeId: 'spiffe://d/lake', state: 'member', settings: '{}' } as const
    transaction.putService({ ...service, service: 'lake', since: 1, barredAt: undefined })
    transaction.putInstance({ id: 'lake-2', service: 'lake', place: 'here', since: 1, held: undefined })
    for (const [at, entry] of [
      [1, { service: 'lake' }],
      [2, { instance: 'lake-2' }],
      [3, { instance: 'stream' }],
      [4, { counter: 7 }],
    ] as const)
      transaction.addAudit({ at, actor: 'up', deed: 'issued', entry })
  })
  const numbers = (query: AuditQuery) => Array.from(readAudit(store, query), ({ number }) => number)
  assert.deepEqual(numbers({}), [1, 2, 3, 4])
  assert.deepEqual(numbers({ since: 3 }), [3, 4])
  assert.deepEqual(numbers({ service: 'lake' }), [1, 2])
  assert.deepEqual(numbers({ service: 'lake', since: 2 }), [2])
  assert.deepEqual(numbers({ service: 'nobody' }), [])
  assert.deepEqual(
    [...readAudit(store, { since: 4 })],
    [{ number: 4, at: 4, actor: 'up', deed: 'issued', entry: { counter: 7 } }],
  )
})
