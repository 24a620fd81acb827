import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { atEnd } from '@datapunk/testkit'
import { apply } from '../applying/apply.ts'
import { testEngine } from '../testing/test-engine.ts'
import { Deliveries, undelivered } from './deliver.ts'

const services = ['a', 'b', 'c', 'd', 'e', 'f']

test('when the authority ends, nobody else is told, and whoever is slow is due at the next start', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'deliver-'))
  atEnd(t, () => rmSync(dir, { recursive: true }))
  const reload = { reload: ['reload', 'it'] }
  const config = { services: Object.fromEntries(services.map((name) => [name, reload])) }
  const begun: string[] = []
  const engine = {
    ...testEngine({ dir, config }),
    deliver: async () => 0,
    tellService: ({ service }: { service: string }, signal?: AbortSignal) => {
      begun.push(service)
      const { promise, reject } = Promise.withResolvers<void>()
      signal?.addEventListener('abort', () => reject(signal.reason))
      return promise
    },
  }
  await apply(engine, { approve: () => false })
  const deliveries = new Deliveries(() => {})
  deliveries.begin(engine, { automatic: true })
  await deliveries.end(0)
  assert.deepEqual(begun, ['a', 'b', 'c', 'd'])
  assert.deepEqual(undelivered(engine), services)
  assert.deepEqual([deliveries.told, engine.store.attempts()], [0, []])
})
