import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { atEnd } from '@datapunk/testkit'
import { listenAt } from './plain.ts'

function pathIn(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'plain-'))
  atEnd(t, () => rmSync(folder, { recursive: true }))
  return join(folder, 'plain.sock')
}

test('a unix socket is its owner’s alone, and no other file of the process is', async (t) => {
  const path = pathIn(t)
  const before = process.umask(0o022)
  atEnd(t, () => process.umask(before))
  const server = createServer()
  await listenAt(server, { path })
  atEnd(t, () => server.close())
  assert.equal(statSync(path).mode & 0o777, 0o600)
  writeFileSync(`${path}.txt`, '')
  assert.equal(statSync(`${path}.txt`).mode & 0o777, 0o644)
})

test('a file that lies where a unix socket is to be is no leftover, and stays', async (t) => {
  const path = pathIn(t)
  writeFileSync(path, 'of somebody else')
  await assert.rejects(listenAt(createServer(), { path }), { code: 'LISTEN_FAILED', message: /EADDRINUSE/ })
  assert.equal(readFileSync(path, 'utf8'), 'of somebody else')
})

test('a unix socket at which somebody listens stays his', async (t) => {
  const path = pathIn(t)
  const other = createServer()
  await once(other.listen(path), 'listening')
  atEnd(t, () => other.close())
  const { ino } = statSync(path)
  await assert.rejects(listenAt(createServer(), { path }), { code: 'LISTEN_FAILED', message: /EADDRINUSE/ })
  assert.equal(statSync(path).ino, ino)
})
