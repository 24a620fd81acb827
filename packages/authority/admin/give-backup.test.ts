import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, get, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { Authority } from '../authority.ts'
import { giveBackup } from './give-backup.ts'

test('whoever takes a backup and reads no more of it does not hold up the next', async (t) => {
  const contents = {
    ...{ meshId: 'f168', trustDomain: 'service.datapunk', generation: 1, madeAt: 0 },
    ...{ withoutKeys: [], passphraseInState: false },
  }
  async function* endless() {
    for (;;) yield Buffer.alloc(64 * 1024)
  }
  const giveEndless: Authority['giveBackup'] = (_, take) => take(contents, endless())
  const { promise: given, resolve } = Promise.withResolvers<void>()
  const answer = (_: unknown, response: ServerResponse) =>
    resolve(giveBackup({ giveBackup: giveEndless }, response, {}, 50))
  const isCut = assert.rejects(given, { code: 'ERR_STREAM_PREMATURE_CLOSE' })
  const server = createServer(answer).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const call = get({ port: (server.address() as AddressInfo).port, agent: false })
  t.after(() => call.destroy())
  call.on('error', () => {})
  const [taken] = await once(call, 'response')
  taken.pause()
  await isCut
})
