import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { request } from 'node:https'
import { createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { buffer, text } from 'node:stream/consumers'
import { after, before, describe, type TestContext, test } from 'node:test'
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls'
import { atEnd, badCertificates, type Fault, FixedClock, TestMesh } from '@datapunk/testkit'
import { join, type Mesh, type MeshError, type MeshErrorCode, type Refusal, type Rule } from '../index.ts'
import { listen } from '../testing/listen.ts'

/** The ways to call, each writing as early as it can. */
const ways: Record<string, (mesh: Mesh, host: string, port: number) => Promise<string>> = {
  fetch: async (mesh, host, port) => {
    const response = await mesh.fetch(`https://${host}:${port}/`, { method: 'POST', body: 'secret' })
    return response.text()
  },
  agent: async (mesh, host, port) => {
    const call = request({ host, port, method: 'POST', agent: mesh.agent })
    const answered = once(call, 'response')
    call.on('error', () => {})
    call.end('secret')
    const [response] = await answered
    return text(response)
  },
  connect: async (mesh, host, port) => {
    const socket = await mesh.connect({ host, port })
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 6\r\n\r\nsecret')
    const chunks: Buffer[] = []
    for await (const chunk of socket) chunks.push(chunk)
    return Buffer.concat(chunks).toString()
  },
}

describe('a client of the mesh', () => {
  let testMesh: TestMesh
  let foreign: TestMesh
  let lake: Mesh
  let stream: Mesh

  before(async () => {
    const services = {
      lake: { ipAddresses: ['127.0.0.1', '::1'], allow: ['stream'] },
      stream: {},
      nexus: {},
      away: { address: 'nowhere.invalid:8443' },
      old: { minTls: '1.2' },
    } as const
    testMesh = await TestMesh.create({ services })
    foreign = await TestMesh.foreign(testMesh, services)
    const options = { config: testMesh.configFile }
    ;[lake, stream] = await Promise.all([join('lake', options), join('stream', options)])
  })

  after(async () => {
    await Promise.all([lake.leave(), stream.leave()])
    await Promise.all([testMesh.remove(), foreign.remove()])
  })

  /** A server that is no mesh, shows what it is given, takes whatever comes, and counts it. */
  const badServer = async (options: TlsOptions) => {
    let bytes = 0
    const server = createTlsServer({ requestCert: true, rejectUnauthorized: false, ...options }, (socket) => {
      socket.on('data', (chunk: Buffer) => {
        bytes += chunk.byteLength
      })
      socket.on('error', () => {})
    })
    return { server, port: await listen(server), bytes: () => bytes }
  }

  const pairOf = async (leaf: Promise<{ keyPem: string; pem: string }>) => {
    const { pem, keyPem } = await leaf
    return { cert: pem + testMesh.ca.issuing.pem, key: keyPem, ciphers: 'DEFAULT:@SECLEVEL=0' }
  }

  /** It takes signatures of RSA alone, so that OpenSSL on this side has no certificate for it. @returns its port */
  const serverThatAlerts = async (t: TestContext): Promise<number> => {
    const server = createTlsServer({
      ...(await pairOf(testMesh.leaf('lake', { algorithm: 'rsa' }))),
      ...{ ca: testMesh.ca.root.pem, sigalgs: 'rsa_pss_rsae_sha256' },
      ...{ requestCert: true, rejectUnauthorized: true },
    })
    atEnd(t, () => server.close())
    return listen(server)
  }

  for (const [way, call] of Object.entries(ways)) {
    describe(`by ${way}`, () => {
      const assertServerRefused = async (options: TlsOptions, rule: Rule | undefined, caller = stream) => {
        const { server, port, bytes } = await badServer(options)
        const refusals: Refusal[] = []
        const record = (refusal: Refusal) => refusals.push(refusal)
        caller.on('refused', record)
        const error = await call(caller, 'lake.service.datapunk', port).catch((cause) => cause)
        caller.off('refused', record)
        server.close()
        assert.equal(error.code, 'SERVER_REFUSED')
        assert.equal(refusals.length, 1)
        assert.equal(refusals[0]?.direction, 'out')
        assert.deepEqual(error.refusal, refusals[0])
        if (rule !== undefined) assert.equal(refusals[0]?.rule, rule)
        assert.equal(bytes(), 0)
      }

      test('a member is reached by name, by another case, by address and by service name', async () => {
        const server = lake.createServer(async (incoming, response) => response.end(await text(incoming)))
        const port = await listen(server)
        for (const host of ['lake.service.datapunk', 'Lake.Service.Datapunk', '127.0.0.1', 'lake']) {
          assert.match(await call(stream, host, port), /secret/)
        }
        server.close()
        stream.agent.destroy()
      })

      test('a server with another service’s certificate gets nothing', async () => {
        await assertServerRefused(await pairOf(testMesh.leaf('nexus')), 'OTHER_SERVICE')
      })

      test('a server of another mesh with the same names gets nothing', async () => {
        const leaf = await foreign.leaf('lake')
        await assertServerRefused({ cert: foreign.ca.chainPem(leaf), key: leaf.keyPem }, 'ISSUER_UNKNOWN')
      })

      for (const [name, { fault, make }] of Object.entries(badCertificates)) {
        test(`a server with ${fault} gets nothing`, async () => {
          const rule = rulesOfServers[name as Fault]
          await assertServerRefused(await pairOf(make(testMesh.ca, 'lake')), rule)
        })
      }

      test('a server that resumes a session is judged again', async () => {
        const clock = new FixedClock(Date.now())
        const caller = await join('stream', { config: testMesh.configFile, clock, pollEvery: 2 ** 31 - 1 })
        const leaf = await testMesh.leaf('lake', { notAfter: clock.now() + 60 * 60 * 1000 })
        let bytes = 0
        const server = createTlsServer(
          { cert: testMesh.ca.chainPem(leaf), key: leaf.keyPem, ca: testMesh.ca.root.pem, requestCert: true },
          (socket) => {
            socket.on('error', () => {})
            socket.on('data', (chunk: Buffer) => {
              bytes += chunk.byteLength
              socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok')
            })
          },
        )
        const port = await listen(server)
        const resumed: boolean[] = []
        server.on('secureConnection', (socket: TLSSocket) => resumed.push(socket.isSessionReused()))
        await call(caller, 'lake.service.datapunk', port)
        await call(caller, 'lake.service.datapunk', port)
        assert.deepEqual(resumed, [false, true])
        assert.ok(bytes > 0)
        bytes = 0
        clock.advance(2 * 60 * 60 * 1000)
        const error = await call(caller, 'lake.service.datapunk', port).catch((cause) => cause)
        assert.equal(error.code, 'SERVER_REFUSED')
        assert.equal(error.refusal.rule, 'CERTIFICATE_EXPIRED')
        assert.equal(bytes, 0)
        server.close()
        await caller.leave()
      })

      test('a server that closes right after the handshake is PEER_REFUSED', async () => {
        const server = createTlsServer({
          ...(await pairOf(testMesh.leaf('lake'))),
          requestCert: true,
          rejectUnauthorized: true,
        })
        const port = await listen(server)
        await assert.rejects(call(stream, 'lake.service.datapunk', port), (error: MeshError) => {
          assert.equal(error.code, 'PEER_REFUSED')
          assert.match(error.message, /services\.lake\.allow.*; `mtls why stream lake` tells every rule$/)
          assert.deepEqual(
            [error.data.self, error.data.service, error.data.why],
            ['stream', 'lake', 'mtls why stream lake'],
          )
          return true
        })
        server.close()
      })

      test('a server that refuses by an alert is PEER_REFUSED, with that alert, and tells nothing else', async (t) => {
        const port = await serverThatAlerts(t)
        await assert.rejects(call(stream, 'lake.service.datapunk', port), (error: MeshError) => {
          assert.equal(error.code, 'PEER_REFUSED')
          assert.match((error.cause as { code: string }).code, /ALERT_CERTIFICATE_REQUIRED$/)
          assert.match(
            error.message,
            /sent the alert “certificate required” .*paths\.ca_cert.*`mtls why stream lake`/,
          )
          return true
        })
      })

      test('our own gate that refuses is PEER_REFUSED', async () => {
        const refuser = await join('old', { config: testMesh.configFile })
        const server = refuser.createServer()
        const port = await listen(server)
        await refuser.leave()
        await assert.rejects(call(stream, 'old.service.datapunk', port), code('PEER_REFUSED'))
        server.close()
      })

      test('a server that answers and then breaks off is not taken for one that refuses', async () => {
        const server = createTlsServer(
          { ...(await pairOf(testMesh.leaf('lake'))), ca: testMesh.ca.root.pem, requestCert: true },
          (socket) => socket.on('data', () => setImmediate(() => socket.destroy())),
        )
        const port = await listen(server)
        const outcome = await call(stream, 'lake.service.datapunk', port).catch((cause) => cause)
        assert.notEqual(outcome.code, 'PEER_REFUSED')
        assert.ok(outcome === '' || outcome instanceof Error)
        server.close()
      })

      test('a name that no member has is refused before anything is dialled', async () => {
        await assert.rejects(call(stream, 'example.org', 8443), code('NAME_UNKNOWN'))
        await assert.rejects(call(stream, 'www.lake.service.datapunk', 8443), code('NAME_UNKNOWN'))
      })

      test('nobody there, no such host, nobody who speaks TLS', async () => {
        const free = createTcpServer()
        const port = await listen(free)
        free.close()
        await once(free, 'close')
        await assert.rejects(call(stream, 'lake.service.datapunk', port), code('PEER_UNREACHABLE'))
        await assert.rejects(call(stream, 'away.service.datapunk', 8443), code('PEER_UNREACHABLE'))
        const babbler = createTcpServer((socket) => socket.on('error', () => {}).end('hello'))
        const babble = call(stream, 'lake.service.datapunk', await listen(babbler))
        await assert.rejects(babble, code('HANDSHAKE_FAILED'))
        babbler.close()
      })
    })
  }

  test('who refuses by an alert is told to a connection once, though it ends besides', async (t) => {
    const port = await serverThatAlerts(t)
    const socket = await stream.connect({ host: 'lake', port })
    const errors: unknown[] = []
    socket.on('error', ({ code }: MeshError) => errors.push(code))
    socket.resume()
    await new Promise((resolve) => socket.once('close', resolve))
    assert.deepEqual(errors, ['PEER_REFUSED'])
  })

  test('a server that answers over HTTP/2 and then ends it is not taken for one that refuses', async () => {
    const server = lake.createServer({ http2: true })
    const accepted = once(server, 'connection') as Promise<[Socket]>
    const port = await listen(server)
    const socket = await stream.connect({ host: 'lake', port, alpnProtocols: ['h2'] })
    // A ticket is an answer, too: a server of Node always gives some, others may not.
    socket.removeAllListeners('session')
    const session = connectHttp2('https://lake.service.datapunk', { createConnection: () => socket })
    const errors: unknown[] = []
    session.on('error', (error) => errors.push(error))
    await once(session, 'remoteSettings')
    const [connection] = await accepted
    connection.destroy()
    await new Promise((resolve) => session.once('close', resolve))
    assert.deepEqual(errors, [])
    server.close()
  })

  test('an address means its member however it is written', async () => {
    const free = createTcpServer()
    const port = await listen(free)
    free.close()
    await once(free, 'close')
    for (const host of ['::1', '0:0:0:0:0:0:0:1', '[0::0001]']) {
      await assert.rejects(stream.connect({ host, port }), code('PEER_UNREACHABLE'))
    }
  })

  test('a server that may speak TLS 1.2 is spoken to, others are not', async () => {
    const serve = async (service: string) => {
      const server = createTlsServer(
        { ...(await pairOf(testMesh.leaf(service))), maxVersion: 'TLSv1.2' },
        (socket) => socket.end('hello'),
      )
      return { server, port: await listen(server) }
    }
    const old = await serve('old')
    const socket = await stream.connect({ host: 'old.service.datapunk', port: old.port })
    assert.equal(await text(socket), 'hello')
    old.server.close()
    const { server, port } = await serve('lake')
    await assert.rejects(stream.connect({ host: 'lake', port }), code('HANDSHAKE_FAILED'))
    server.close()
  })

  test('a server of TLS 1.2 that refuses is PEER_REFUSED', async () => {
    const server = createTlsServer({
      ...(await pairOf(testMesh.leaf('old'))),
      maxVersion: 'TLSv1.2',
      requestCert: true,
    })
    const port = await listen(server)
    await assert.rejects(stream.connect({ host: 'old.service.datapunk', port }), code('PEER_REFUSED'))
    server.close()
  })

  for (const [timeout, begin] of Object.entries({
    headersTimeout: () => {},
    bodyTimeout: (response: ServerResponse) => response.write('hel'),
  })) {
    test(`fetch waits for an answer as long as ${timeout} says`, async (t) => {
      const server = lake.createServer((_incoming, response) => void begin(response))
      const port = await listen(server)
      atEnd(t, () => server.close())
      atEnd(t, () => server.closeAllConnections())
      const call = async () =>
        (await stream.fetch(`https://lake.service.datapunk:${port}/`, { [timeout]: 1 })).text()
      const code = timeout === 'headersTimeout' ? 'UND_ERR_HEADERS_TIMEOUT' : 'UND_ERR_BODY_TIMEOUT'
      await assert.rejects(call(), (error: Error & { cause: { code: string } }) => error.cause.code === code)
    })
  }

  test('the port comes from the address where the call names none, also where Node fills in 443', async () => {
    const server = lake.createServer((_incoming, response) => response.end('hello'))
    const port = await listen(server)
    await assert.rejects(stream.connect({ host: 'lake' }), code('PORT_UNKNOWN'))
    testMesh.change('lake', { address: { host: '127.0.0.1', port } })
    await testMesh.publish()
    await stream.refresh()
    const response = await stream.fetch('https://lake.service.datapunk/')
    assert.equal(await response.text(), 'hello')
    const call = request({ host: 'lake.service.datapunk', agent: stream.agent })
    call.end()
    const [incoming] = await once(call, 'response')
    assert.equal(await text(incoming), 'hello')
    server.close()
  })

  test('who is called may send fetch elsewhere in itself, and to another member where that is typed out', async () => {
    const heard: string[] = []
    const old = await join('old', { config: testMesh.configFile })
    const elsewhere = old.createServer((incoming, response) => {
      heard.push(old.peer(incoming).service)
      response.end('of another')
    })
    const elsewherePort = await listen(elsewhere)
    const server = lake.createServer((incoming, response) => {
      const moved = { '/': '/moved', '/out': `https://old.service.datapunk:${elsewherePort}/` }[incoming.url!]
      if (moved === undefined) response.end('of lake')
      else response.writeHead(307, { location: moved }).end()
    })
    const base = `https://lake.service.datapunk:${await listen(server)}`
    assert.equal(await (await stream.fetch(`${base}/`)).text(), 'of lake')
    const given = { method: 'POST', body: 'meant for lake' }
    await assert.rejects(stream.fetch(`${base}/out`, given), code('REDIRECTED'))
    await assert.rejects(stream.fetch(new Request(`${base}/out`)), code('REDIRECTED'))
    await assert.rejects(stream.fetch(`${base}/`, { ...given, redirect: 'error' }), TypeError)
    assert.deepEqual(heard, [])
    assert.equal(await (await stream.fetch(`${base}/out`, { redirect: 'follow' })).text(), 'of another')
    assert.deepEqual(heard, ['stream'])
    for (const each of [server, elsewhere]) each.close()
    await old.leave()
  })

  test('fetch takes a request of Node’s own, also handed on alone, and nothing after leave', async () => {
    const server = lake.createServer(async (incoming, response) => {
      response.end(`${incoming.method} ${incoming.headers['x-test']} ${await text(incoming)}`)
    })
    const url = `https://lake.service.datapunk:${await listen(server)}/`
    const asked = new Request(url, { method: 'POST', body: 'a body', headers: { 'x-test': 'a header' } })
    assert.equal(await (await stream.fetch(asked)).text(), 'POST a header a body')
    const { fetch } = stream
    assert.equal(await (await fetch(url, { headers: { 'x-test': 'alone' } })).text(), 'GET alone ')
    const gone = await join('stream', { config: testMesh.configFile })
    await gone.leave()
    await assert.rejects(gone.fetch(url), code('LEFT'))
    server.close()
  })

  test('fetch takes a form of Node’s own', async () => {
    const server = lake.createServer(async (incoming, response) => {
      const type = incoming.headers['content-type'] ?? ''
      const form = await new Response(await buffer(incoming), {
        headers: { 'content-type': type },
      }).formData()
      const file = form.get('file')
      response.end(`${form.get('name')}, ${file instanceof File && `${file.name}: ${await file.text()}`}`)
    })
    const body = new FormData()
    body.set('name', 'a value')
    body.set('file', new Blob(['what it holds']), 'a.txt')
    const url = `https://lake.service.datapunk:${await listen(server)}/`
    const response = await stream.fetch(url, { method: 'POST', body })
    assert.equal(await response.text(), 'a value, a.txt: what it holds')
    server.close()
  })

  test('an agent gives no socket of an earlier pair to a request in its queue', async () => {
    const caller = await join('stream', { config: testMesh.configFile })
    caller.agent.maxSockets = 1
    const call = async () => {
      const [response] = await once(request({ host: 'lake', port, agent: caller.agent }).end(), 'response')
      return text(response)
    }
    const first = Promise.withResolvers<() => void>()
    const opened: unknown[] = []
    const server = lake.createServer((incoming, response) => {
      const answer = () => response.end(lake.peer(incoming).fingerprint)
      first.resolve(answer)
      if (opened.length > 1) answer()
    })
    server.on('secureConnection', (socket) => opened.push(socket))
    const port = await listen(server)
    const before = hash('sha256', testMesh.newestLeaf('stream').der, 'hex')
    const asked = [call()]
    const answerFirst = await first.promise
    asked.push(call(), call())
    const after = hash('sha256', (await testMesh.rotate('stream')).der, 'hex')
    await caller.refresh()
    answerFirst()
    assert.deepEqual(await Promise.all(asked), [before, after, after])
    assert.equal(opened.length, 2)
    server.close()
    await caller.leave()
  })

  test('plain http is refused', async () => {
    await assert.rejects(stream.fetch('http://lake.service.datapunk:8445/'), code('PLAIN_HTTP'))
    assert.throws(() => request({ protocol: 'http:', host: 'lake', agent: stream.agent }), /Protocol "http:"/)
  })

  test('a silent server is given up after the timeout, and on abort', async () => {
    const clock = new FixedClock(Date.now())
    const caller = await join('stream', { config: testMesh.configFile, clock, pollEvery: 2 ** 31 - 1 })
    const silent: Server = createTcpServer((socket) => socket.on('error', () => {}))
    const port = await listen(silent)
    const slow = caller.connect({ host: 'lake', port, timeout: 5000 })
    clock.advance(5000)
    await assert.rejects(slow, code('CONNECT_TIMEOUT'))
    const abort = new AbortController()
    const aborted = caller.connect({ host: 'lake', port, signal: abort.signal })
    abort.abort()
    await assert.rejects(aborted, { name: 'AbortError' })
    await assert.rejects(caller.connect({ host: 'lake', port, signal: abort.signal }), { name: 'AbortError' })
    silent.close()
    await caller.leave()
  })

  for (const timeout of [0, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31]) {
    test(`a timeout of ${timeout} is refused`, () =>
      assert.rejects(stream.connect({ host: 'lake', port: 1, timeout }), {
        name: 'TypeError',
        message: `connect: timeout: found ${timeout}; allowed: milliseconds from 1 to 2147483647`,
      }))
  }

  test('an abort for whatever reason ends the call', async () => {
    const silent: Server = createTcpServer((socket) => socket.on('error', () => {}))
    const port = await listen(silent)
    const refused = Object.assign(new Error('the caller’s own'), { code: 'ECONNREFUSED' })
    for (const reason of [null, 0, 'text', refused]) {
      const abort = new AbortController()
      const aborted = stream.connect({ host: 'lake', port, signal: abort.signal })
      abort.abort(reason)
      const outcomes = [aborted, stream.connect({ host: 'lake', port, signal: abort.signal })]
      for (const outcome of await Promise.allSettled(outcomes)) {
        const given = outcome.status === 'rejected' && outcome.reason
        if (reason === null) assert.equal(given.name, 'AbortError')
        else assert.equal(given, reason)
      }
    }
    silent.close()
  })

  test('fetch that leave ends, or comes upon, says so', async () => {
    const caller = await join('stream', { config: testMesh.configFile })
    const { dispatcher } = caller
    const asked = Promise.withResolvers<void>()
    const server = lake.createServer(() => asked.resolve())
    const url = `https://lake.service.datapunk:${await listen(server)}/`
    const left = code('LEFT')
    const underWay = assert.rejects(caller.fetch(url), left)
    await asked.promise
    const atOnce = assert.rejects(caller.fetch(url), left)
    await caller.leave()
    await Promise.all([underWay, atOnce])
    await assert.rejects(caller.fetch(url), left)
    await assert.rejects(dispatcher.request({ origin: url, path: '/', method: 'GET' }), left)
    server.close()
  })

  test('a dispatcher that was closed or destroyed stays so, whatever changes', async () => {
    const request = { origin: 'https://lake.service.datapunk', path: '/', method: 'GET' } as const
    for (const end of ['close', 'destroy'] as const) {
      const caller = await join('stream', { config: testMesh.configFile })
      await caller.dispatcher[end]()
      caller.dispatcher.startAnew()
      await assert.rejects(caller.dispatcher.request(request), { code: 'UND_ERR_DESTROYED' }, end)
      await caller.leave()
    }
  })

  test('leave ends the calls under way, and who leaves twice waits as long', async () => {
    const caller = await join('stream', { config: testMesh.configFile })
    const silent: Server = createTcpServer((socket) => socket.on('error', () => {}))
    const port = await listen(silent)
    const dialled = once(silent, 'connection')
    const underWay = assert.rejects(caller.connect({ host: 'lake', port }), code('LEFT'))
    await dialled
    const left = caller.leave()
    assert.equal(caller.leave(), left)
    await Promise.all([underWay, left])
    await assert.rejects(caller.connect({ host: 'lake', port }), code('LEFT'))
    silent.close()
  })
})

/** The rule, where it is always the same whoever looks first, OpenSSL or we. */
const rulesOfServers: Partial<Record<Fault, Rule>> = {
  caLeaf: 'LEAF_IS_CA',
  commonNameAndUriOnly: 'NAME_MISSING',
  commonNameOnly: 'NAME_MISSING',
  expired: 'CERTIFICATE_EXPIRED',
  noExtendedKeyUsage: 'EXTENDED_KEY_USAGE_MISSING',
  noName: 'NAME_MISSING',
  noUri: 'SPIFFE_ID_INVALID',
  notYetValid: 'CERTIFICATE_NOT_YET_VALID',
  selfSigned: 'ISSUER_UNKNOWN',
  twoUris: 'SPIFFE_ID_INVALID',
  wildcardName: 'NAME_NOT_LISTED',
  wrongCountry: 'SUBJECT_NOT_ACCEPTED',
  wrongOrganization: 'SUBJECT_NOT_ACCEPTED',
}

function code(expected: MeshErrorCode) {
  return (error: MeshError) => error.code === expected
}
