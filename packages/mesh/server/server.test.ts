import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createPlainServer } from 'node:http'
import { connect as connectHttp2, createSecureServer, type Http2ServerRequest } from 'node:http2'
import { createServer as createHttpsServer, request } from 'node:https'
import { connect as connectTcp } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { connect, createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from 'node:tls'
import { TestMesh } from '@datapunk/testkit'
import { type Accepted, join, type Mesh, type MeshError, type Peer } from '../index.ts'
import { listen } from '../testing/listen.ts'
import { callAsStranger } from '../testing/stranger.ts'

const endsOfSessions: Record<string, (calling: TLSSocket, called: Http2ServerRequest) => void> = {
  'by the caller': (calling) => calling.destroy(),
  here: (_calling, { stream }) => stream.session?.destroy(),
}

describe('a server of the mesh', () => {
  let testMesh: TestMesh
  let lake: Mesh
  let stream: Mesh
  let vault: Mesh

  before(async () => {
    const services = {
      lake: { listen: '127.0.0.1:8445' },
      stream: { address: 'stream.example:8444' },
      vault: { minTls: '1.2' },
    } as const
    testMesh = await TestMesh.create({ services })
    const options = { config: testMesh.configFile }
    ;[lake, stream, vault] = await Promise.all([
      join('lake', options),
      join('stream', options),
      join('vault', options),
    ])
  })

  after(async () => {
    await Promise.all([lake.leave(), stream.leave(), vault.leave()])
    await testMesh.remove()
  })

  const assertIsStream = async (peer: Peer | undefined) => {
    assert.equal(peer?.service, 'stream')
    assert.equal(peer.spiffeId, 'spiffe://service.datapunk/stream')
    assert.deepEqual(peer.dnsNames, ['stream.service.datapunk'])
    assert.match(peer.serial, /^[0-9a-f]{32,34}$/)
    assert.ok(peer.notBefore < Date.now() && Date.now() < peer.notAfter)
  }

  test('createServer serves HTTP/1.1, and the handler knows the peer', async () => {
    let peer: Peer | undefined
    const server = lake.createServer((incoming, response) => {
      peer = lake.peer(incoming)
      response.end(`hello ${lake.peer(incoming.socket).service}`)
    })
    const port = await listen(server)
    const response = await stream.fetch(`https://lake.service.datapunk:${port}/`)
    assert.equal(await response.text(), 'hello stream')
    await assertIsStream(peer)
    server.close()
  })

  test('createServer serves HTTP/2, and handlers of requests and of streams know the peer', async () => {
    let peer: Peer | undefined
    const server = lake.createServer({ http2: true }, (incoming, response) => {
      peer = lake.peer(incoming)
      response.end(`hello ${incoming.httpVersion}`)
    })
    const others: Peer[] = []
    server.on('session', (session) => others.push(lake.peer(session), lake.peer(session.socket)))
    server.on('stream', (each) => others.push(lake.peer(each)))
    const port = await listen(server)
    const socket = await stream.connect({ host: 'lake.service.datapunk', port, alpnProtocols: ['h2'] })
    const session = connectHttp2('https://lake.service.datapunk', { createConnection: () => socket })
    assert.equal(await text(session.request({ ':path': '/' })), 'hello 2.0')
    await assertIsStream(peer)
    assert.equal(others.length, 3)
    for (const each of others) await assertIsStream(each)
    session.close()
    const response = await stream.fetch(`https://lake.service.datapunk:${port}/`)
    assert.equal(await response.text(), 'hello 1.1')
    server.close()
  })

  for (const [name, end] of Object.entries(endsOfSessions)) {
    test(`who called over HTTP/2 is known when the session was ended ${name}`, async () => {
      const known = Promise.withResolvers<Peer>()
      const called = Promise.withResolvers<Http2ServerRequest>()
      const server = lake.createServer({ http2: true }, (incoming, response) => {
        response.on('close', () => known.resolve(lake.peer(incoming)))
        called.resolve(incoming)
      })
      const port = await listen(server)
      const socket = await stream.connect({ host: 'lake', port, alpnProtocols: ['h2'] })
      const session = connectHttp2('https://lake.service.datapunk', { createConnection: () => socket })
      session.on('error', () => {})
      const asked = session.request({ ':path': '/' }).on('error', () => {})
      end(socket, await called.promise)
      await assertIsStream(await known.promise)
      if (!asked.closed) await once(asked, 'close')
      server.close()
    })
  }

  test('protect serves raw TLS, both ends know the peer', async () => {
    const server = lake.protect(createTlsServer((socket) => socket.end(`hello ${lake.peer(socket).service}`)))
    const port = await listen(server)
    const socket = await stream.connect({ host: 'lake.service.datapunk', port })
    assert.equal(stream.peer(socket).service, 'lake')
    assert.equal(socket.getProtocol(), 'TLSv1.3')
    assert.equal((socket.getEphemeralKeyInfo() as { name?: string }).name, 'X25519MLKEM768')
    assert.equal(await text(socket), 'hello stream')
    server.close()
  })

  test('an upgrade passes, and its handler knows the peer', async () => {
    const server = lake.createServer()
    server.on('upgrade', (incoming, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
      socket.end(`hello ${lake.peer(incoming).service}`)
    })
    const port = await listen(server)
    const upgrade = request({
      host: 'lake.service.datapunk',
      port,
      agent: stream.agent,
      headers: { connection: 'Upgrade', upgrade: 'websocket' },
    })
    upgrade.end()
    const [, socket, head] = (await once(upgrade, 'upgrade')) as [unknown, TLSSocket, Buffer]
    assert.equal(head.toString() + (await text(socket)), 'hello stream')
    server.close()
  })

  test('a resumed session passes the gate like any other', async () => {
    const server = lake.createServer({ keepAliveTimeout: 1 }, (_incoming, response) => {
      response.setHeader('connection', 'close')
      response.end('hello')
    })
    const port = await listen(server)
    const accepted: Accepted[] = []
    const record = (each: Accepted) => accepted.push(each)
    lake.on('accepted', record)
    for (let call = 0; call < 3; call++) {
      const response = await stream.fetch(`https://lake.service.datapunk:${port}/`)
      await response.text()
    }
    lake.off('accepted', record)
    assert.deepEqual(
      accepted.map(({ resumed, peer }) => [resumed, peer.service]),
      [
        [false, 'stream'],
        [true, 'stream'],
        [true, 'stream'],
      ],
    )
    server.close()
  })

  test('a change of pair or bundle ends every ticket', async () => {
    const server = lake.createServer((_incoming, response) => response.end('hello'))
    const port = await listen(server)
    const leaf = await testMesh.leaf('stream')
    const pair = { cert: testMesh.ca.chainPem(leaf), key: leaf.keyPem }
    const get = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'
    for (const change of [() => testMesh.publish(), () => testMesh.rotate('lake')]) {
      const [session] = (await callAsStranger(port, get, pair)).sessions
      assert.ok(session !== undefined)
      assert.equal((await callAsStranger(port, get, { ...pair, session })).resumed, true)
      await change()
      await lake.refresh()
      const after = await callAsStranger(port, get, { ...pair, session })
      assert.equal(after.resumed, false)
      assert.match(after.received, /hello/)
    }
    server.close()
  })

  test('TLS 1.2 where it is allowed: no ticket, no renegotiation', async () => {
    let requests = 0
    const server = vault.createServer((_incoming, response) => {
      requests++
      response.end()
    })
    const port = await listen(server)
    const leaf = await testMesh.leaf('stream')
    const socket = connect({
      host: '127.0.0.1',
      port,
      cert: testMesh.ca.chainPem(leaf),
      key: leaf.keyPem,
      ca: testMesh.ca.root.pem,
      maxVersion: 'TLSv1.2',
      servername: 'vault.service.datapunk',
    })
    await once(socket, 'secureConnect')
    assert.equal(socket.getTLSTicket(), undefined)
    const ended = Promise.withResolvers<unknown>()
    for (const event of ['end', 'error', 'close']) socket.on(event, ended.resolve)
    socket.resume()
    socket.renegotiate({}, () => {})
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    await ended.promise
    socket.destroy()
    assert.equal(requests, 0)
    server.close()
  })

  test('certificates, trust and ticket keys are not for the caller of createServer to give', () => {
    const pair = { cert: 'x', key: 'y', ticketKeys: Buffer.alloc(48) }
    assert.throws(
      () => lake.createServer(pair as object),
      /TypeError: createServer: found cert, key, ticketKeys/,
    )
    const snatch = { http2: true, SNICallback: () => {} } as unknown as { http2: true }
    assert.throws(() => lake.createServer(snatch), /TypeError: createServer: found SNICallback/)
  })

  test('protect refuses a server that listens, and one that would hand out another context', async () => {
    const listening = createHttpsServer()
    await listen(listening)
    assert.throws(() => lake.protect(listening), code('SERVER_LISTENING'))
    listening.close()
    const choosy = createHttpsServer({ SNICallback: (_name, done) => done(null) })
    const plain = createPlainServer() as unknown as TlsServer
    assert.throws(() => lake.protect(plain), code('SERVER_UNGUARDABLE'))
    assert.throws(() => lake.protect(choosy), code('SERVER_UNGUARDABLE'))
    const many = createSecureServer()
    many.addContext('x', {})
    assert.throws(() => lake.protect(many), code('SERVER_UNGUARDABLE'))
    const twice = lake.protect(createHttpsServer())
    for (const mesh of [lake, stream])
      assert.throws(() => mesh.protect(twice), { code: 'SERVER_UNGUARDABLE', message: /guarded already/ })
  })

  test('whoever says nothing has ten seconds, with any server that does not say otherwise', async () => {
    const timeoutOf = async (server: TlsServer) => {
      const port = await listen(server)
      const failed = once(server, 'tlsClientError')
      connectTcp(port, '127.0.0.1').end().resume()
      const [, socket] = (await failed) as [Error, TLSSocket]
      server.close()
      return socket.timeout
    }
    for (const server of [createHttpsServer(), createSecureServer(), createTlsServer()])
      assert.equal(await timeoutOf(lake.protect(server)), 10_000)
    assert.equal(await timeoutOf(lake.createServer()), 10_000)
    assert.equal(await timeoutOf(lake.protect(createTlsServer({ handshakeTimeout: 60_000 }))), 60_000)
  })

  test('who only looks whether the port is open is not told of as refused', async () => {
    const server = lake.createServer()
    const port = await listen(server)
    const before = { ...lake.counters.refused }
    const failed = once(server, 'tlsClientError')
    connectTcp(port, '127.0.0.1').end().resume()
    await failed
    assert.deepEqual({ ...lake.counters.refused }, before)
    server.close()
  })

  test('who is refused is reset, so that nobody takes it for an answer without a word', async () => {
    for (const server of [lake.createServer(), lake.protect(createTlsServer()), vault.createServer()]) {
      const port = await listen(server)
      const { received, error } = await callAsStranger(port, '')
      assert.deepEqual([received, error], ['', 'ECONNRESET'])
      server.close()
    }
  })

  test('nothing of the gate can be taken away afterwards', () => {
    const server = lake.createServer()
    assert.throws(() => server.setSecureContext({}), TypeError)
    assert.throws(() => server.addContext('x', {}), TypeError)
    assert.throws(() => server.setTicketKeys(Buffer.alloc(48)), TypeError)
    assert.throws(() => {
      server.emit = () => true
    }, TypeError)
  })

  test('peer refuses what did not come through the gate', () => {
    assert.throws(() => lake.peer({}), code('PEER_UNKNOWN'))
    assert.throws(() => lake.peer({ socket: {} }), code('PEER_UNKNOWN'))
  })

  test('self says who the service is and where it listens', () => {
    assert.equal(lake.self.service, 'lake')
    assert.equal(lake.self.name, 'lake.service.datapunk')
    assert.equal(lake.self.spiffeId, 'spiffe://service.datapunk/lake')
    assert.deepEqual(lake.self.listen, { host: '127.0.0.1', port: 8445 })
    assert.deepEqual(stream.self.listen, { port: 8444 })
    assert.throws(() => vault.self.listen, code('NO_LISTEN_ADDRESS'))
  })

  test('after leave, connections end and new ones are refused', async () => {
    const leaver = await join('vault', { config: testMesh.configFile })
    const server = leaver.protect(createTlsServer((socket) => socket.on('error', () => {})))
    const port = await listen(server)
    const accepted = once(leaver, 'accepted')
    const socket = await stream.connect({ host: 'vault.service.datapunk', port })
    const closed = new Promise((resolve) => socket.on('error', () => {}).once('close', resolve))
    await accepted
    await leaver.leave()
    await closed
    const late = await stream.connect({ host: 'vault.service.datapunk', port })
    const [error] = (await once(late, 'error')) as [MeshError]
    assert.equal(error.code, 'PEER_REFUSED')
    assert.equal(leaver.counters.refused.LEFT, 1)
    assert.equal(leaver.condition.fault?.rule, 'LEFT')
    await assert.rejects(leaver.fetch('https://lake.service.datapunk:8445/'), code('LEFT'))
    assert.throws(() => leaver.createServer(), code('LEFT'))
    assert.throws(() => leaver.protect(createTlsServer()), code('LEFT'))
    server.close()
  })
})

function code(expected: MeshError['code']) {
  return (error: unknown) => (error as MeshError).code === expected
}
