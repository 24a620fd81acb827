import assert from 'node:assert/strict'
import fs, { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { generateKeyPair } from '@datapunk/pki'
import { makeLogKey, openLogKey } from './log-key.ts'

describe('the key of a log', () => {
  let folder: string
  let file: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'log-key-'))
    file = join(folder, 'key.pem')
  })

  afterEach(() => rmSync(folder, { recursive: true }))

  test('is durable when it is made, and never made anew', async (t) => {
    const synced: number[] = []
    t.mock.method(fs, 'fsyncSync', (handle: number) => synced.push(fs.fstatSync(handle).ino))
    syncBuiltinESMExports()
    await makeLogKey(file)
    t.mock.restoreAll()
    syncBuiltinESMExports()
    assert.deepEqual(synced, [statSync(file).ino])
    await assert.rejects(makeLogKey(file), { code: 'EEXIST' })
  })

  test('is an ECDSA key on P-256, and nothing else', async () => {
    const keys = [await generateKeyPair('ecdsa-p384'), await generateKeyPair('ed25519')]
    const texts = keys.map(({ privateKey }) => String(privateKey.export({ type: 'pkcs8', format: 'pem' })))
    for (const text of [...texts, 'no key', '']) {
      writeFileSync(file, text, { mode: 0o600 })
      await assert.rejects(openLogKey(file), { code: 'LOG_INVALID', message: /no ECDSA key on P-256/ })
    }
  })

  test('stays in memory nowhere but in the signer', async (t) => {
    await makeLogKey(file)
    const handle = await open(file)
    const handles = Object.getPrototypeOf(handle)
    await handle.close()
    const read = t.mock.method(handles, 'read')
    await openLogKey(file)
    const [octets] = read.mock.calls[0]!.arguments as [Buffer]
    assert.ok(octets.length > 200 && octets.every((octet) => octet === 0))
  })
})
