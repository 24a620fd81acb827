import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { atEnd } from '@datapunk/testkit'
import type { GivenBackup } from '../administration.ts'
import type { Authority } from '../authority.ts'
import { connectAdmin } from './connect-admin.ts'
import { serveAdmin } from './serve-admin.ts'

const given: GivenBackup = {
  ...{ meshId: '0'.repeat(32), trustDomain: 'service.datapunk', generation: 3, madeAt: 1_000 },
  ...{ withoutKeys: ['root-1'], passphraseInState: true },
}

/** An authority that sees no disk, as in a sandbox: it has these bytes to give, and remembers what it was asked for. */
async function served(t: TestContext, bytes: () => AsyncIterable<Uint8Array>) {
  const asked: unknown[] = []
  const folder = mkdtempSync(join(tmpdir(), 'mtls-ask-backup-'))
  const giving: Pick<Authority, 'checkPlace' | 'giveBackup' | 'recordBackup'> = {
    checkPlace: () => {},
    giveBackup: (passphrase, take) => {
      asked.push(passphrase && Buffer.from(passphrase.bytes()).toString())
      return take(given, bytes())
    },
    recordBackup: async (made) => void asked.push(made),
  }
  const socket = join(folder, 'admin.sock')
  const admin = await serveAdmin(giving as Authority, socket)
  atEnd(t, async () => {
    await admin.close()
    rmSync(folder, { recursive: true })
  })
  const client = await connectAdmin(socket, { purpose: 'backup' })
  return { client: client!, asked, folder, file: join(folder, 'a.backup') }
}

async function* whole() {
  yield Buffer.from('some, ')
  yield Buffer.from('and more')
}

test('whoever asks for a backup writes it, reads its passphrase, and has it recorded then', async (t) => {
  const { client, asked, folder, file } = await served(t, whole)
  const passphraseFile = join(folder, 'word')
  writeFileSync(passphraseFile, 'correct horse battery\n', { mode: 0o600 })
  const made = await client.backup({ file, passphraseFile })
  assert.equal(readFileSync(file, 'utf8'), 'some, and more')
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.deepEqual(made, { ...given, file, size: 14 })
  const recorded = { file, size: 14, generation: 3, madeAt: 1_000, withoutKeys: ['root-1'] }
  assert.deepEqual(asked, ['correct horse battery', recorded])
})

test('one that ends early is none, leaves nothing, and is not recorded', async (t) => {
  const { client, asked, folder, file } = await served(t, async function* () {
    yield Buffer.from('some')
    throw new Error('the disk failed')
  })
  await assert.rejects(client.backup({ file }), { code: 'ADMIN_SILENT' })
  assert.deepEqual(readdirSync(folder), ['admin.sock'])
  assert.deepEqual(asked, [undefined])
})

test('what is no place for it is refused before it is asked for', async (t) => {
  const { client, asked, folder, file } = await served(t, whole)
  writeFileSync(file, 'something else')
  await assert.rejects(client.backup({ file }), { code: 'BACKUP_REFUSED', message: /else than a backup/ })
  const nowhere = join(folder, 'nowhere', 'a.backup')
  await assert.rejects(client.backup({ file: nowhere }), { code: 'BACKUP_REFUSED', message: /no folder/ })
  const short = join(folder, 'short')
  writeFileSync(short, 'a horse', { mode: 0o600 })
  await assert.rejects(client.backup({ file: join(folder, 'b'), passphraseFile: short }), {
    code: 'PASSPHRASE_SHORT',
  })
  assert.equal(readFileSync(file, 'utf8'), 'something else')
  assert.ok(!existsSync(join(folder, 'b')))
  assert.deepEqual(asked, [])
})
