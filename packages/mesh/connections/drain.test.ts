import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { afterEach, beforeEach, describe, test } from 'node:test'
import {
  connect as connectTls,
  createServer as createTlsServer,
  type TLSSocket,
  type Server as TlsServer,
} from 'node:tls'
import { endOf } from '@datapunk/pki'
import { FixedClock, TestMesh } from '@datapunk/testkit'
import { type DrainingConnection, join, type Mesh } from '../index.ts'
import { listen } from '../testing/listen.ts'

const hour = 60 * 60 * 1000

/** The caller is no mesh, so that only the server's side has a clock. */
describe('a connection near the end of its certificate', () => {
  let testMesh: TestMesh
  let clock: FixedClock
  let lake: Mesh
  let close: () => void

  beforeEach(async () => {
    testMesh = await TestMesh.create({ services: { lake: {}, stream: {} } })
    clock = new FixedClock(testMesh.ca.at)
    lake = await join('lake', { config: testMesh.configFile, clock, pollEvery: 2 ** 31 - 1 })
  })

  afterEach(async () => {
    close()
    await lake.leave()
    await testMesh.remove()
  })

  const caller = async (ALPNProtocols: string[]) => {
    const leaf = await testMesh.leaf('stream', { notAfter: clock.now() + 24 * hour })
    return {
      ...{ cert: testMesh.ca.chainPem(leaf), key: leaf.keyPem, ca: testMesh.ca.root.pem },
      ...{ host: '127.0.0.1', servername: 'lake.service.datapunk', ALPNProtocols },
    }
  }

  test('over HTTP/1.1 is told so with the next answer, which is whole', async () => {
    const server = lake.createServer((_request, response) => response.end('whole'))
    const port = await listen(server)
    close = () => server.close()
    const socket = connectTls({ ...(await caller(['http/1.1'])), port })
    await once(socket, 'secureConnect')
    const ask = async () => {
      socket.write('GET / HTTP/1.1\r\nHost: lake.service.datapunk\r\n\r\n')
      let answer = ''
      while (!answer.includes('whole')) answer += (await once(socket, 'data'))[0]
      return /^connection: (.*)\r$/im.exec(answer)?.[1]
    }
    assert.equal(await ask(), 'keep-alive')
    clock.advance(24 * hour - 30_000)
    assert.equal(await ask(), 'close')
    await once(socket, 'close')
  })

  test('over HTTP/2 gets GOAWAY, and what is under way is finished', async () => {
    const server = lake.createServer({ http2: true }, (_request, response) => {
      response.write('begun, ')
      finish = () => response.end('and finished')
    })
    let finish = () => {}
    const port = await listen(server)
    close = () => server.close()
    const options = await caller(['h2'])
    const session = connectHttp2(`https://127.0.0.1:${port}`, options)
    const stream = session.request({ ':path': '/' })
    stream.setEncoding('utf8')
    const [first] = await once(stream, 'data')
    const goaway = once(session, 'goaway')
    clock.advance(24 * hour - 30_000)
    await goaway
    finish()
    let body = String(first)
    for await (const chunk of stream) body += chunk
    assert.equal(body, 'begun, and finished')
    await once(session, 'close')
  })

  for (const [over, begin] of Object.entries({
    'raw TLS': (taken: (socket: TLSSocket) => void) => ({
      server: lake.protect(createTlsServer(taken)),
      hello: '',
    }),
    'a web socket': (taken: (socket: TLSSocket) => void) => ({
      server: lake
        .createServer()
        .on('upgrade', ({ socket }: IncomingMessage) => taken(socket as TLSSocket)) as TlsServer,
      hello: 'GET / HTTP/1.1\r\nHost: lake.service.datapunk\r\nConnection: upgrade\r\nUpgrade: any\r\n\r\n',
    }),
  })) {
    test(`over ${over} is told to the application, which may say goodbye`, async () => {
      const taken = Promise.withResolvers<TLSSocket>()
      const { server, hello } = begin(taken.resolve)
      const port = await listen(server)
      close = () => server.close()
      const socket = connectTls({ ...(await caller([])), port })
      socket.write(hello)
      const own = await taken.promise
      own.on('error', () => {})
      socket.on('error', () => {})
      const draining = once(lake, 'draining') as Promise<[DrainingConnection]>
      clock.advance(24 * hour - 30_000)
      const [told] = await draining
      assert.deepEqual(
        [told.direction, told.peer.service, told.endsAt],
        ['in', 'stream', endOf(told.peer.notAfter)],
      )
      assert.equal(told.socket, own)
      told.socket.write('goodbye')
      assert.equal(String((await once(socket, 'data'))[0]), 'goodbye')
      const closed = new Promise((resolve) => socket.once('close', resolve))
      clock.set(told.endsAt)
      await closed
      assert.equal(lake.counters.cut, 1)
    })
  }
})
