import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, linkSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs'
import { createServer as createHttpServer, type IncomingMessage } from 'node:http'
import {
  connect as connectHttp2,
  createServer as createHttp2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2'
import { request } from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { buffer, text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { atEnd, FixedClock } from '@datapunk/testkit'
import { join, type MeshError, type Refusal } from '../index.ts'
import { listen } from '../testing/listen.ts'
import { openProxy } from './proxy.ts'
import { portOf, TwoProxies } from './testing/halves.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Bytes of buffers that somebody holds. What V8 finds to be garbage it gives back a little later. */
async function heldBytes(): Promise<number> {
  for (let time = 0; time < 5; time++) {
    collectGarbage()
    await setImmediate()
  }
  return process.memoryUsage().arrayBuffers
}

describe('through two proxies, one that calls and one that serves', () => {
  let both: TwoProxies
  beforeEach(async () => {
    both = await TwoProxies.start()
  })
  afterEach(() => both.end())

  const program = () => connect({ ...both.near, allowHalfOpen: true }).on('error', () => {})
  /** A connection from end to end. */
  const through = async (): Promise<{ one: Socket; other: Socket }> => {
    const taken = both.backend.next()
    return { one: program(), other: await taken }
  }
  /** Not `text()`, which destroys what it has read to its end. */
  const wholeOf = async (socket: Socket) => {
    let whole = ''
    socket.on('data', (piece) => {
      whole += piece
    })
    await once(socket, 'end')
    return whole
  }
  const failureOf = (socket: Socket) =>
    new Promise<NodeJS.ErrnoException>((resolve) => socket.once('error', resolve))
  const closed = (socket: Socket) => new Promise((resolve) => socket.once('close', resolve))

  test('the first bytes arrive, whoever speaks first, and before anybody was there to hear them', async () => {
    const taken = both.backend.next()
    const one = program()
    one.end('first of the program')
    const other = await taken
    other.end('first of the service')
    assert.equal(await text(one), 'first of the service')
    assert.equal(await text(other), 'first of the program')
  })

  for (const way of ['the program', 'the service'] as const) {
    test(`an end of ${way} ends that direction alone`, async () => {
      const { one, other } = await through()
      const [ending, going] = way === 'the program' ? [one, other] : [other, one]
      ending.end('the last of it')
      assert.equal(await wholeOf(going), 'the last of it')
      const rest = wholeOf(ending)
      going.write('still')
      going.end(' here')
      assert.equal(await rest, 'still here')
    })

    test(`a reset by ${way} arrives as one`, async () => {
      const { one, other } = await through()
      const [ending, going] = way === 'the program' ? [one, other] : [other, one]
      ending.write('half of it')
      assert.equal(`${(await once(going, 'data'))[0]}`, 'half of it')
      const failure = failureOf(going)
      ending.resetAndDestroy()
      assert.equal((await failure).code, 'ECONNRESET')
    })
  }

  test('who reads slowly stops the writer, and gets every byte in order', async () => {
    const { one, other } = await through()
    const chunk = Buffer.alloc(64 * 1024)
    const total = 50 * 1024 * 1024
    let written = 0
    const write = () => {
      while (written < total) {
        for (let at = 0; at < chunk.length; at += 4) chunk.writeUInt32BE((written + at) / 4, at)
        written += chunk.length
        if (!one.write(Buffer.from(chunk))) {
          one.once('drain', write)
          return
        }
      }
      one.end()
    }
    const before = await heldBytes()
    write()
    await standsStill(() => written)
    // The kernel holds what it likes, of every hop; we hold next to nothing.
    const grown = (await heldBytes()) - before
    assert.ok(grown < 8 * 1024 * 1024, `${grown} bytes are held`)

    const arrived = await buffer(other)
    assert.equal(arrived.length, total)
    for (let at = 0; at < total; at += 4) {
      if (arrived.readUInt32BE(at) !== at / 4) assert.fail(`out of order at ${at}`)
    }
  })

  /** Until a value stays the same while other connections go through the same proxies and back, many times. */
  const standsStill = async (value: () => number) => {
    const { one, other } = await through()
    other.pipe(other)
    for (let same = 0, last = value(); same < 50; same++) {
      one.write('?')
      await once(one, 'data')
      if (value() !== last) same = 0
      last = value()
    }
    one.destroy()
  }

  /** A pair that no peer has, so that it is revoked without its holder knowing. */
  const strangerPair = async (service: string) => {
    const leaf = await both.testMesh.leaf(service)
    const pair = { cert: both.testMesh.ca.chainPem(leaf), key: leaf.keyPem, ca: both.testMesh.ca.root.pem }
    return { pair, serial: leaf.certificate.serial }
  }

  test('a revoked caller is cut on both halves, and can’t come back', async () => {
    const { pair, serial } = await strangerPair('nexus')
    const call = () => {
      const where = { host: '127.0.0.1', port: both.port, servername: 'lake.service.datapunk' }
      return connectTls({ ...where, ...pair }).on('error', () => {})
    }
    const taken = both.backend.next()
    const one = call()
    const failures = [failureOf(one), failureOf(await taken)]
    const cut = await both.revoke(serial)
    assert.deepEqual([cut.peer.service, cut.error.refusal?.rule], ['nexus', 'REVOKED'])
    for (const failure of failures) assert.equal((await failure).code, 'ECONNRESET')
    const refused = once(both.lake, 'refused') as Promise<[Refusal]>
    const again = call()
    const ended = closed(again)
    assert.equal((await refused)[0].rule, 'REVOKED')
    await ended
    assert.equal(both.backend.taken, 1)
  })

  test('a revoked member that is called is cut on both halves, and called no more', async (t) => {
    const { pair, serial } = await strangerPair('lake')
    const member = createTlsServer({ ...pair, requestCert: true })
    const port = await listen(member)
    const at = { host: '127.0.0.1', port: 0 }
    const calling = await openProxy(both.stream, {
      routes: [{ way: 'call', at, to: { host: 'lake', port } }],
    })
    atEnd(t, async () => {
      await calling.stop(AbortSignal.abort())
      member.close()
    })
    const call = () => connect(portOf(calling)).on('error', () => {})
    const taken = once(member, 'secureConnection') as Promise<[TLSSocket]>
    const one = call()
    const failures = [failureOf(one), failureOf((await taken)[0])]
    const cut = await both.revoke(serial, both.stream)
    assert.deepEqual([cut.direction, cut.peer.service, cut.error.refusal?.rule], ['out', 'lake', 'REVOKED'])
    for (const failure of failures) assert.equal((await failure).code, 'ECONNRESET')
    const failed = once(calling, 'failed') as Promise<[{ error: MeshError }]>
    call()
    const [{ error }] = await failed
    assert.deepEqual([error.code, error.refusal?.rule], ['SERVER_REFUSED', 'REVOKED'])
  })

  test('a caller whose right goes is cut, and told why when it comes again', async () => {
    const { other } = await through()
    const failure = failureOf(other)
    both.testMesh.change('lake', { callers: ['nexus'] })
    await both.testMesh.publish()
    await Promise.all([both.lake.refresh(), failure])
    const failed = once(both.calling, 'failed') as Promise<[{ error: MeshError }]>
    program().resume()
    assert.equal((await failed)[0].error.code, 'PEER_REFUSED')
  })

  test('a stranger never reaches the service', async () => {
    const refused = once(both.lake, 'refused') as Promise<[Refusal]>
    const stranger = connectTls({ ...both.near, port: both.port, rejectUnauthorized: false })
    stranger.on('error', () => {}).resume()
    const ended = closed(stranger)
    stranger.write('let me in')
    assert.equal((await refused)[0].rule, 'NO_CERTIFICATE')
    await ended
    assert.deepEqual([both.backend.taken, both.serving.carried], [0, 0])
  })

  test('who only looks whether the port opens is not kept', async () => {
    const look = connect(both.port, '127.0.0.1').resume()
    await once(look, 'connect')
    const ended = closed(look)
    look.end()
    await ended
    assert.equal(await both.serving.stop(new AbortController().signal), 0)
  })

  test('where the service is gone a caller is ended at once, and the next one served when it is back', async () => {
    const { port } = both.backend.server.address() as { port: number }
    both.backend.server.close()
    const failed = once(both.serving, 'failed') as Promise<[{ error: MeshError }]>
    const one = program()
    const ended = closed(one)
    one.resume()
    const [{ error }] = await failed
    assert.deepEqual([error.code, error.data.reason], ['BACKEND_UNREACHABLE', 'ECONNREFUSED'])
    await ended
    both.backend.server.listen(port, '127.0.0.1')
    await once(both.backend.server, 'listening')
    const { one: next, other } = await through()
    other.end('back')
    assert.equal(await text(next), 'back')
  })

  test('a program that goes away before the member answers takes nothing along', async () => {
    const arrived = once(both.backend.server, 'connection')
    program().destroy()
    const { one, other } = await through()
    other.end('well')
    assert.equal(await text(one), 'well')
    await arrived
  })

  test('to stop is to listen no more, and to let what is open come to its end', async () => {
    const { one, other } = await through()
    const stopped = both.serving.stop(new AbortController().signal)
    const failed = once(both.calling, 'failed') as Promise<[{ error: MeshError }]>
    program()
    assert.equal((await failed)[0].error.code, 'PEER_UNREACHABLE')
    other.end('the rest')
    one.end()
    assert.equal(await text(one), 'the rest')
    other.resume()
    assert.equal(await stopped, 0)
  })

  test('what is still open when patience ends is reset, and counted', async () => {
    const { one, other } = await through()
    const failures = [failureOf(one), failureOf(other)]
    const patience = new AbortController()
    const stopped = both.serving.stop(patience.signal)
    patience.abort()
    assert.equal(await stopped, 1)
    for (const failure of failures) assert.equal((await failure).code, 'ECONNRESET')
  })
})

test('a connection ends on both halves when the certificate of the caller does', async (t) => {
  const both = await TwoProxies.start()
  const clock = new FixedClock(Date.now())
  const nexus = await join('nexus', { config: both.testMesh.configFile, clock, pollEvery: 2 ** 31 - 1 })
  const to = { host: '127.0.0.1', port: (both.backend.server.address() as AddressInfo).port }
  const at = { host: '127.0.0.1', port: 0 }
  const serving = await openProxy(nexus, { routes: [{ way: 'serve', at, to }] })
  atEnd(t, async () => {
    await serving.stop(AbortSignal.abort())
    await nexus.leave()
    await both.end()
  })
  const taken = both.backend.next()
  const notAfter = clock.now() + 60_000
  const leaf = await both.testMesh.leaf('stream', { notAfter })
  const pair = { cert: both.testMesh.ca.chainPem(leaf), key: leaf.keyPem, ca: both.testMesh.ca.root.pem }
  const one = connectTls({ ...portOf(serving), ...pair, servername: 'nexus.service.datapunk' })
  const failures = [one, await taken].map(
    (socket) => new Promise<NodeJS.ErrnoException>((resolve) => socket.once('error', resolve)),
  )
  clock.advance(62_000)
  for (const failure of failures) assert.equal((await failure).code, 'ECONNRESET')
})

describe('before a program that speaks HTTP', () => {
  const http = createHttpServer((_request, response) => response.end('from the program'))
  let both: TwoProxies
  beforeEach(async () => {
    both = await TwoProxies.start()
    http.listen(0, '127.0.0.1')
    await once(http, 'listening')
  })
  afterEach(async () => {
    http.close()
    await both.end()
  })

  const serve = async (protocol?: 'http/1.1') => {
    const to = { host: '127.0.0.1', port: (http.address() as AddressInfo).port }
    const at = { host: '127.0.0.1', port: 0 }
    const proxy = await openProxy(both.lake, { routes: [{ way: 'serve', at, to, protocol }] })
    const { port } = portOf(proxy)
    return { url: `https://lake.service.datapunk:${port}/`, stop: () => proxy.stop(AbortSignal.abort()) }
  }

  test('fetch and whoever uses the agent are served, and an HTTP/2 client is not', async () => {
    const { url, stop } = await serve('http/1.1')
    assert.equal(await (await both.stream.fetch(url)).text(), 'from the program')
    const { port } = new URL(url)
    const asking = request({ host: 'lake', port, agent: both.stream.agent }).end()
    const [response] = (await once(asking, 'response')) as [IncomingMessage]
    assert.equal(await text(response), 'from the program')
    const calling = both.stream.connect({ host: 'lake', port: Number(port), alpnProtocols: ['h2'] })
    await assert.rejects(calling, { code: 'HANDSHAKE_FAILED', message: /ALPNProtocols/ })
    await stop()
  })

  test('a member without the right is told why', async () => {
    const { url, stop } = await serve('http/1.1')
    both.testMesh.change('lake', { callers: ['nexus'] })
    await both.testMesh.publish()
    await both.lake.refresh()
    const response = await both.stream.fetch(url)
    assert.equal(response.status, 403)
    assert.equal(((await response.json()) as { code: string }).code, 'CALLER_NOT_ALLOWED')
    await stop()
  })

  test('both ends are told how the proxy comes to know', async () => {
    const { url, stop } = await serve()
    const refused = once(both.lake, 'refused') as Promise<[Refusal]>
    await assert.rejects(both.stream.fetch(url), { code: 'HANDSHAKE_FAILED', message: /--to http:/ })
    const [{ rule, fix }] = await refused
    assert.equal(rule, 'TLS_HANDSHAKE_FAILED')
    assert.match(fix, /--to http:/)
    await stop()
  })
})

describe('for programs that speak HTTP/2, as gRPC does', () => {
  const at = { host: '127.0.0.1', port: 0 }
  const protocol = 'h2'

  /** Ends as a call of gRPC does, with a trailer. */
  const answer = (request: Http2ServerRequest, response: Http2ServerResponse) => {
    response.addTrailers({ 'grpc-status': '0' })
    request.pipe(response)
  }

  const say = async (near: { readonly host: string; readonly port: number }) => {
    const session = connectHttp2(`http://${near.host}:${near.port}`)
    const stream = session.request({ ':method': 'POST', ':path': '/lake.Records/Read' }).end('said')
    const trailers = once(stream, 'trailers')
    const said = await text(stream)
    session.close()
    return [said, (await trailers)[0]['grpc-status']]
  }

  test('one proxy calls, and another serves, or the library', async (t) => {
    const both = await TwoProxies.start()
    atEnd(t, () => both.end())
    const program = createHttp2Server(answer)
    atEnd(t, () => program.close())
    const to = { host: '127.0.0.1', port: await listen(program) }
    const serving = await openProxy(both.lake, { routes: [{ way: 'serve', at, to, protocol }] })
    atEnd(t, () => serving.stop(AbortSignal.abort()))
    const server = both.lake.createServer({ http2: true }, answer)
    atEnd(t, () => server.close())
    // As a server of grpc-js has its connections injected.
    const handOver = (socket: TLSSocket) => program.emit('connection', socket)
    const door = both.lake.protect(createTlsServer({ ALPNProtocols: ['h2'] }, handOver))
    atEnd(t, () => door.close())
    for (const port of [portOf(serving).port, await listen(server), await listen(door)]) {
      const routes = [{ way: 'call' as const, at, to: { host: 'lake', port }, protocol } as const]
      const calling = await openProxy(both.stream, { routes })
      assert.deepEqual(await say(portOf(calling)), ['said', '0'])
      await calling.stop(AbortSignal.abort())
    }
  })

  test('a member without the right is told so in HTTP/2', async (t) => {
    const both = await TwoProxies.start()
    atEnd(t, () => both.end())
    const to = { host: '127.0.0.1', port: 1 }
    const serving = await openProxy(both.lake, { routes: [{ way: 'serve', at, to, protocol }] })
    atEnd(t, () => serving.stop(AbortSignal.abort()))
    both.testMesh.change('lake', { callers: ['nexus'] })
    await both.testMesh.publish()
    await both.lake.refresh()
    const { port } = portOf(serving)
    const routes = [{ way: 'call' as const, at, to: { host: 'lake', port }, protocol } as const]
    const calling = await openProxy(both.stream, { routes })
    atEnd(t, () => calling.stop(AbortSignal.abort()))
    const near = portOf(calling)
    const session = connectHttp2(`http://${near.host}:${near.port}`)
    const [headers] = await once(session.request({ ':path': '/' }), 'response')
    assert.equal(headers[':status'], 403)
    session.close()
  })
})

test('more than there is room for are dropped, which is told once', async (t) => {
  const both = await TwoProxies.start(1)
  atEnd(t, () => both.end())
  const full: number[] = []
  both.serving.on('full', ({ room }) => full.push(room))
  const taken = both.backend.next()
  const one = connect(both.near)
  await taken
  for (let time = 0; time < 2; time++) {
    const dropped = connect(both.near).on('error', () => {})
    await new Promise((resolve) => dropped.once('close', resolve))
  }
  assert.deepEqual(full, [1])
  one.destroy()
})

test('a unix socket is its owner’s alone; one that was left behind is taken over, one in use is not', async (t) => {
  const both = await TwoProxies.start()
  const folder = mkdtempSync(joinPath(tmpdir(), 'proxy-'))
  atEnd(t, async () => {
    await both.end()
    rmSync(folder, { recursive: true })
  })
  const at = { path: joinPath(folder, 'lake.sock') }
  const routes = [{ way: 'call' as const, at, to: { host: 'lake', port: both.port } }]
  const proxy = await openProxy(both.stream, { routes })
  assert.equal(statSync(at.path).mode & 0o777, 0o600)
  await assert.rejects(openProxy(both.stream, { routes }), { code: 'LISTEN_FAILED' })
  both.backend.server.on('connection', (socket: Socket) => socket.end('hello'))
  assert.equal(await text(connect(at)), 'hello')
  linkSync(at.path, joinPath(folder, 'kept'))
  await proxy.stop(AbortSignal.abort())
  assert.equal(existsSync(at.path), false)
  renameSync(joinPath(folder, 'kept'), at.path)
  const next = await openProxy(both.stream, { routes })
  assert.equal(await text(connect(at)), 'hello')
  await next.stop(AbortSignal.abort())
})
