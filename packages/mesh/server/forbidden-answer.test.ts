import assert from 'node:assert/strict'
import { connect as connectHttp2 } from 'node:http2'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { atEnd, FixedClock, TestMesh } from '@datapunk/testkit'
import { join } from '../index.ts'
import { listen } from '../testing/listen.ts'

/** How each asks once, and leaves the connection open, and the answer. */
const asking: Record<string, [(socket: TLSSocket) => Promise<string>, RegExp]> = {
  'http/1.1': [
    (socket) => {
      socket.write('GET / HTTP/1.1\r\nHost: lake.service.datapunk\r\n\r\n')
      return text(socket)
    },
    /^connection: close\r$[\s\S]*CALLER_NOT_ALLOWED/im,
  ],
  h2: [
    (socket) => {
      const session = connectHttp2('https://lake.service.datapunk', { createConnection: () => socket })
      return text(session.request({ ':path': '/' }))
    },
    /CALLER_NOT_ALLOWED/,
  ],
}

for (const [protocol, [ask, answer]] of Object.entries(asking)) {
  test(`a member that may not call is answered over ${protocol}, and its connection ended at once`, async (t) => {
    const testMesh = await TestMesh.create({
      services: { lake: { allow: ['nexus'] }, nexus: {}, stream: {} },
    })
    atEnd(t, () => testMesh.remove())
    const { configFile: config } = testMesh
    const lake = await join('lake', { config, clock: new FixedClock(Date.now()), pollEvery: 2 ** 31 - 1 })
    atEnd(t, () => lake.leave())
    const stream = await join('stream', { config })
    atEnd(t, () => stream.leave())
    const server = lake.createServer({ http2: true })
    const port = await listen(server)
    atEnd(t, () => server.close())
    const socket = await stream.connect({ host: 'lake', port, alpnProtocols: [protocol] })
    const closed = new Promise((resolve) => socket.once('close', resolve))
    assert.match(await ask(socket), answer)
    await closed
  })
}
