import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { atEnd } from '@datapunk/testkit'
import { apply } from '../applying/apply.ts'
import { NextKeyFile } from '../disk/next-key.ts'
import { testEngine } from '../testing/test-engine.ts'
import { withoutNextKey } from './make-next-keys.ts'

test('a file that was seen is not looked at again, unless it is to hold another key, or is about to be used', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'next-keys-'))
  atEnd(t, () => rmSync(dir, { recursive: true }))
  const engine = testEngine({ dir, config: { services: { lake: {}, stream: {} } } })
  await apply(engine, { approve: () => true })
  const { store, layout, disk } = engine
  const seen = new Map<string, string>()
  const without = (options: Parameters<typeof withoutNextKey>[1]) =>
    withoutNextKey(engine, options).map(({ instance }) => instance)
  assert.deepEqual(without({ seen }), [])
  assert.deepEqual([...seen.keys()], ['lake', 'stream'])

  new NextKeyFile(layout.instance('lake').dir, disk).remove()
  assert.deepEqual(without({ seen }), [])
  assert.deepEqual(without({}), ['lake'])
  assert.deepEqual(without({ seen, pressing: new Set(['lake']) }), ['lake'])

  const row = store.nextKeys().find(({ instance }) => instance === 'lake')!
  await store.write((transaction) => transaction.putNextKey({ ...row, spkiHash: 'another' }))
  assert.deepEqual(without({ seen }), ['lake'])
})
