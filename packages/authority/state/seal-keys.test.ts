import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { atEnd } from '@datapunk/testkit'
import { apply } from '../applying/apply.ts'
import { sealing, testEngine } from '../testing/test-engine.ts'

const no = { approve: () => false }

test('keys that lie in clear are encrypted by the apply after the config has changed, and that is on record', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'seal-'))
  atEnd(t, () => rmSync(dir, { recursive: true }))
  const engine = testEngine({ dir, config: { services: { lake: {} } } })
  await apply(engine, no)
  const kept = engine.store.slots().filter(({ kind }) => kind !== 'log')
  const heads = () => kept.map((slot) => readFileSync(engine.keys.pathOf(slot), 'utf8').split('\n')[0])
  const recorded = () =>
    engine.store.audit(0, 1000).flatMap(({ deed, entry }) => (deed === 'key-sealed' ? [entry.slot] : []))
  assert.deepEqual(new Set(heads()), new Set(['-----BEGIN PRIVATE KEY-----']))

  const sealed = sealing(engine)
  for (const _ of ['once', 'and not again']) {
    assert.deepEqual((await apply(sealed, no)).failed, [])
    assert.deepEqual(new Set(heads()), new Set(['-----BEGIN DATAPUNK ENCRYPTED KEY-----']))
    assert.deepEqual(
      recorded(),
      kept.map(({ id }) => id),
    )
  }
})
