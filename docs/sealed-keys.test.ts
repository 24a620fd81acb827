import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createPrivateKey, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { generateKeyPair, localSigner } from '@datapunk/pki'
import { keyIdOf } from '@datapunk/protocol'
import { sealKey } from '../packages/authority/keys/envelope.ts'
import { Passphrase } from '../packages/authority/keys/passphrase.ts'

test('sealed-keys.md opens what is sealed, with Node alone', async (t) => {
  const page = readFileSync(new URL('decisions/sealed-keys.md', import.meta.url), 'utf8')
  const [, program = ''] = /```js\n([\s\S]*?)```/.exec(page) ?? []
  const folder = mkdtempSync(join(tmpdir(), 'sealed-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const { privateKey } = await generateKeyPair('ecdsa-p256')
  const name = { slot: 'root-1', kind: 'root', spkiHash: keyIdOf(localSigner(privateKey).spki) } as const
  const text = 'correct horse, größer'
  const passphrase = new Passphrase(Buffer.from(text))
  const pkcs8 = privateKey.export({ format: 'der', type: 'pkcs8' })
  const files = {
    'open-key.mjs': program,
    'root-1.key': await sealKey(pkcs8, { name, passphrase, randomBytes }),
    passphrase: `${text}\n`,
  }
  for (const [file, content] of Object.entries(files)) writeFileSync(join(folder, file), content)
  const pem = execFileSync(process.execPath, ['open-key.mjs', 'root-1.key', 'passphrase'], { cwd: folder })
  assert.ok(createPrivateKey(pem).equals(privateKey))
})
