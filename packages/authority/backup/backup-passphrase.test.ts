import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { atEnd } from '@datapunk/testkit'
import { apply } from '../applying/apply.ts'
import { Passphrase } from '../keys/passphrase.ts'
import { sealing, testEngine } from '../testing/test-engine.ts'
import { backupPassphrase, givenPassphrase } from './backup-passphrase.ts'

const secret = (text: string) => new Passphrase(Buffer.from(text))

test('no backup is made with a passphrase that is too short, or does not open every key in it', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'backup-'))
  atEnd(t, () => rmSync(dir, { recursive: true }))
  const config = { services: { lake: {} }, authority: { store_ca_keys_in_clear: false } }
  const engine = sealing(testEngine({ dir, config }), 'correct horse')
  await apply(engine, { approve: () => false })
  const find = () => ({ passphrase: secret('correct horse'), source: 'file', unprotected: false }) as const
  assert.equal((await backupPassphrase(engine, undefined, find)).unprotected, false)
  const file = join(dir, 'short')
  writeFileSync(file, 'a horse', { mode: 0o600 })
  assert.throws(() => givenPassphrase(engine.disk, file), { code: 'PASSPHRASE_SHORT' })
  await engine.keys.reseal(engine.config.paths.caKey, secret('battery staple'))
  await assert.rejects(backupPassphrase(engine, undefined, find), {
    code: 'PASSPHRASE_WRONG',
    message: /does not open the key of root-1; allowed: the one it was sealed with/,
  })
})
