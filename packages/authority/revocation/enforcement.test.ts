import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Engine } from '../engine/engine.ts'
import { enforcementOf } from './enforcement.ts'

const bundle = { generation: 1, counter: 1 }
const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length

for (const [what, filesTold, lateFor] of [
  ['services could not be told', () => Promise.reject(new Error('no')), () => []],
  [
    'nobody can say who is late',
    () => Promise.resolve(),
    () => {
      throw new Error('no')
    },
  ],
] as const) {
  test(`where ${what}, nothing that waited is left`, async () => {
    const listeners = new Set<() => void>()
    const onChange = (listener: () => void) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    }
    const engine = { peers: { onChange, lateFor } } as unknown as Engine
    const before = timers()
    await assert.rejects(enforcementOf(engine, { bundle, wait: 60_000 }, filesTold()), { message: 'no' })
    assert.deepEqual([listeners.size, timers()], [0, before])
  })
}
