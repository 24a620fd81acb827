import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { atEnd } from '@datapunk/testkit'
import { Disk } from '../disk/disk.ts'
import { Snapshot } from './snapshot.ts'
import { SqliteStore } from './sqlite.ts'

function newFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'snapshot-'))
  atEnd(t, () => rmSync(folder, { recursive: true }))
  return folder
}

const audit = { at: 1, actor: 'test', deed: 'issued', entry: {} } as const

test('shows the moment at which it was taken, whatever is written before it is copied', async (t) => {
  const folder = newFolder(t)
  const [file, copy] = [join(folder, 'inventory.db'), join(folder, 'copy.db')]
  const store = SqliteStore.open({ file })
  for (let n = 0; n < 3; n++) await store.write((transaction) => transaction.addAudit(audit))
  const snapshot = Snapshot.take(file)
  for (let n = 0; n < 500; n++) await store.write((transaction) => transaction.addAudit(audit))
  await snapshot.copyTo(copy, new Disk())
  snapshot.close()
  store.close()
  const copied = SqliteStore.open({ file: copy })
  assert.equal(copied.audit(0, 1_000).length, 3)
  copied.close()
})

test('of what is no inventory is refused', async (t) => {
  const folder = newFolder(t)
  const file = join(folder, 'inventory.db')
  assert.throws(() => Snapshot.take(file), { code: 'STORE_FAILED' })
  writeFileSync(file, 'no database'.repeat(100))
  assert.throws(() => Snapshot.take(file), { code: 'STORE_FAILED', message: /Nothing was changed/ })
})
