import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, before, beforeEach, mock, test } from 'node:test'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import { TestCa, type TestIdentity } from '@datapunk/testkit'
import { attempt } from './attempt.ts'

let ca: TestCa
let lake: TestIdentity
let server: Server

before(async () => {
  ca = await TestCa.create({ at: Date.now() })
  lake = await ca.leaf('lake')
})
// Nobody's patience ends here: what is enough ends it.
beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }))
afterEach(() => {
  mock.timers.reset()
  server.close()
})

/** Knocks at a server that lets everybody in, and answers so. */
async function knock(answer: (socket: TLSSocket) => void) {
  server = createServer({ cert: ca.chainPem(lake), key: lake.keyPem }, (socket) => {
    socket.on('error', () => {})
    socket.once('data', () => answer(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const { received, end } = await attempt(
    { host: '127.0.0.1', port, serverName: 'lake.service.datapunk', speaks: 'any' },
    {},
  )
  return { received, end }
}

test('an answer of HTTP is read as far as its head promises, also where that comes in parts', async () => {
  const parts = ['HT', 'TP/1.1 403 Forbidden\r\ncontent-length: 7\r\n', '\r\nREV', 'OKED']
  const found = await knock(async (socket) => {
    for (const part of parts) {
      socket.write(part)
      await new Promise((resolve) => setImmediate(resolve))
    }
  })
  assert.deepEqual(found, { received: parts.join(''), end: 'answered' })
})

test('an answer of HTTP that never ends is read no further than is enough', async () => {
  const { received, end } = await knock((socket) => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n')
    socket.write('x'.repeat(100_000))
  })
  assert.deepEqual([received.length, end], [4096, 'answered'])
})

test('of anything else a byte is an answer', async () => {
  assert.deepEqual(await knock((socket) => void socket.write('-')), { received: '-', end: 'answered' })
})

test('who hangs up without a word gives none', async () => {
  assert.deepEqual(await knock((socket) => void socket.end()), { received: '', end: 'closed' })
})
