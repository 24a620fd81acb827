import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2'
import type { Server } from 'node:net'
import { finished } from 'node:stream/promises'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { Ending, TestMesh } from '@datapunk/testkit'
import { join, type Mesh } from '../index.ts'
import { listen } from '../testing/listen.ts'

const reset = { code: 'ECONNRESET' }

/** The other end is always no mesh, so that it hears what the mesh's end says, and nothing else. */
describe('a connection that the mesh ends', () => {
  let testMesh: TestMesh
  let lake: Mesh
  let ending: Ending

  beforeEach(async () => {
    ending = new Ending()
    testMesh = await TestMesh.create({ services: { lake: {}, stream: {} } })
    ending.add(() => testMesh.remove())
    lake = await join('lake', { config: testMesh.configFile })
    ending.add(() => lake.leave())
  })

  afterEach(() => ending.end())

  const pairOf = async (service: string) => {
    const leaf = await testMesh.leaf(service)
    return { cert: testMesh.ca.chainPem(leaf), key: leaf.keyPem, ca: testMesh.ca.root.pem }
  }

  const listening = (server: Server) => {
    ending.add(() => server.close())
    return listen(server)
  }

  const calling = async (server: Server, ALPNProtocols: string[] = []) => {
    const port = await listening(server)
    const pair = await pairOf('stream')
    const options = { host: '127.0.0.1', port, servername: 'lake.service.datapunk', ALPNProtocols, ...pair }
    const socket = connectTls(options)
    ending.add(() => socket.destroy())
    await once(socket, 'secureConnect')
    return socket
  }

  const hear = async (socket: TLSSocket, text: string) => {
    let heard = ''
    while (!heard.includes(text)) heard += (await once(socket, 'data'))[0]
  }

  /** What the mesh does, and cuts connections by. */
  const deeds: Record<string, () => Promise<void>> = {
    'when it leaves': () => lake.leave(),
    'when the other loses its right': async () => {
      testMesh.change('stream', 'remove')
      await testMesh.publish()
      await lake.refresh()
    },
  }

  for (const [when, deed] of Object.entries(deeds)) {
    test(`${when} is reset where the caller waits for more`, async () => {
      const socket = await calling(
        lake.protect(createTlsServer((caller) => caller.on('error', () => {}).write('half'))),
      )
      await hear(socket, 'half')
      const outcome = assert.rejects(finished(socket.resume()), reset)
      await deed()
      await outcome
    })

    test(`${when} is reset where the server is told more`, async () => {
      const server = createTlsServer({ ...(await pairOf('stream')), requestCert: true })
      const accepted = once(server, 'secureConnection')
      const socket = await lake.connect({ host: 'stream', port: await listening(server) })
      socket.on('error', () => {}).write('half')
      const [called] = (await accepted) as [TLSSocket]
      called.write('go on')
      await hear(socket, 'go on')
      const outcome = assert.rejects(finished(called.resume()), reset)
      await deed()
      await outcome
    })

    test(`${when} fails what is under way over HTTP/2`, async () => {
      const server = lake.createServer({ http2: true }, (_request, response) => response.write('half'))
      const socket = await calling(server, ['h2'])
      const session = connectHttp2('https://lake', { createConnection: () => socket })
      session.on('error', () => {})
      const asked = session.request({ ':path': '/' })
      await once(asked, 'data')
      await settled(session)
      const outcome = assert.rejects(finished(asked.resume()), reset)
      await deed()
      await outcome
    })
  }

  for (const ends of ['its answer has no length', 'it was upgraded'] as const) {
    test(`is reset where ${ends}`, async () => {
      const server = lake.createServer((_request, response) => {
        response.useChunkedEncodingByDefault = false
        response.write('half')
      })
      if (ends === 'it was upgraded') server.on('upgrade', (_request, socket) => socket.write('half'))
      const socket = await calling(server)
      socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: it\r\n\r\n')
      await hear(socket, 'half')
      const outcome = assert.rejects(finished(socket.resume()), reset)
      await lake.leave()
      await outcome
    })
  }

  test('ends in order where its end was under way', async () => {
    const server = createTlsServer({ ...(await pairOf('stream')), requestCert: true })
    const accepted = once(server, 'secureConnection')
    const socket = await lake.connect({ host: 'stream', port: await listening(server) })
    const [called] = (await accepted) as [TLSSocket]
    called.write('go on')
    await hear(socket, 'go on')
    const outcome = finished(called.resume())
    const closed = once(socket, 'close')
    socket.end()
    await lake.leave()
    await Promise.all([outcome, closed])
  })

  test('ends in order between two requests', async () => {
    const socket = await calling(lake.createServer((_request, response) => response.end('whole')))
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    await hear(socket, 'whole')
    const outcome = finished(socket.resume())
    await lake.leave()
    await outcome
  })

  test('ends in order between two requests over HTTP/2', async () => {
    const server = lake.createServer({ http2: true }, (_request, response) => response.end('whole'))
    const socket = await calling(server, ['h2'])
    const session = connectHttp2('https://lake', { createConnection: () => socket })
    const asked = session.request({ ':path': '/' })
    await finished(asked.resume())
    await settled(session)
    const outcome = once(session, 'close')
    await lake.leave()
    await outcome
  })
})

/** What was said has been heard on both sides: the kernel answers with a reset too where something lies unread. */
function settled(session: ClientHttp2Session): Promise<void> {
  return new Promise((resolve, reject) => {
    session.ping((error) => (error === null ? resolve() : reject(error)))
  })
}
