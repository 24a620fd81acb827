import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { request } from 'node:https'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { type ConnectionOptions, connect, createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { Ending, TestMesh } from '@datapunk/testkit'
import { meshErrorWithin } from './error.ts'
import { type CutConnection, join, type Mesh, type MeshError, type Refusal } from './index.ts'
import { forgeTicket } from './testing/forged-ticket.ts'
import { callIn, listenGuarded, protocols } from './testing/guarded-servers.ts'
import { listen } from './testing/listen.ts'
import { callAsStranger } from './testing/stranger.ts'

const versions = ['TLSv1.3', 'TLSv1.2'] as const
const hello = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'

describe('whoever is revoked', () => {
  let testMesh: TestMesh
  let lake: Mesh
  let stream: Mesh
  let ending: Ending
  let refusals: Refusal[]

  beforeEach(async () => {
    testMesh = await TestMesh.create({ services: { lake: { minTls: '1.2' }, stream: {}, nexus: {} } })
    lake = await join('lake', { config: testMesh.configFile })
    stream = await join('stream', { config: testMesh.configFile })
    refusals = []
    lake.on('refused', (refusal) => refusals.push(refusal))
    ending = new Ending()
    ending.add(() => testMesh.remove())
    ending.add(() => lake.leave())
    ending.add(() => stream.leave())
  })

  afterEach(() => ending.end())

  const strangerPair = async () => {
    const leaf = await testMesh.leaf('nexus')
    return { leaf, pair: { cert: testMesh.ca.chainPem(leaf), key: leaf.keyPem } }
  }

  const revoke = async (serial: string, ...told: Mesh[]) => {
    await testMesh.revoke(serial)
    for (const mesh of told) await mesh.refresh()
  }

  for (const version of versions) {
    const speaking = { minVersion: version, maxVersion: version } as const

    for (const protocol of protocols) {
      describe(`and calls over ${protocol.name}, ${version}`, () => {
        const guarded = async (mesh: Mesh) => {
          const { server, port, calls } = await listenGuarded(mesh, protocol)
          ending.add(() => server.close())
          return { port, calls }
        }
        const pairFor = (pair: ConnectionOptions) => ({ ...pair, ...speaking })

        test('is cut off where a connection is open', async () => {
          const { port } = await guarded(lake)
          const { leaf, pair } = await strangerPair()
          const socket = connect({ ...pairFor(pair), port, host: '127.0.0.1', rejectUnauthorized: false })
          const accepted = once(lake, 'accepted')
          await once(socket, 'secureConnect')
          socket.on('error', () => {}).resume()
          await accepted
          const cut = once(lake, 'cut') as Promise<[CutConnection]>
          const closed = new Promise((resolve) => socket.once('close', resolve))
          await revoke(leaf.certificate.serial, lake)
          const [{ direction, peer, error }] = await cut
          assert.deepEqual([direction, peer.service, error.code], ['in', 'nexus', 'CONNECTION_CUT'])
          assert.equal(error.refusal?.rule, 'REVOKED')
          await closed
          assert.deepEqual([lake.counters.cut, lake.counters.open], [1, 0])
        })

        test('is refused at a new handshake', async () => {
          const { port, calls } = await guarded(lake)
          const { leaf, pair } = await strangerPair()
          await revoke(leaf.certificate.serial, lake)
          const { received } = await callIn(protocol, port, pairFor(pair))
          assert.deepEqual([received, calls, refusals.map(({ rule }) => rule)], ['', [], ['REVOKED']])
          assert.equal(refusals[0]?.peer.serial, leaf.certificate.serial)
          assert.match(refusals[0]!.fix, /mtls issue nexus/)
        })
      })
    }
  }

  for (const protocol of protocols) {
    test(`and has a ticket from before is asked for the certificate again, over ${protocol.name}`, async () => {
      const { server, port, calls } = await listenGuarded(stream, protocol)
      ending.add(() => server.close())
      const refused: Refusal[] = []
      stream.on('refused', (refusal) => refused.push(refusal))
      const { leaf, pair } = await strangerPair()
      const call = (session?: Buffer) => callIn(protocol, port, { ...pair, ...(session && { session }) })
      const [first, second] = (await call()).sessions
      assert.equal((await call(first)).resumed, true, 'it works until then')
      calls.length = 0
      await revoke(leaf.certificate.serial, stream)
      const { received, resumed } = await call(second)
      assert.deepEqual([received, resumed, calls], ['', false, []])
      assert.deepEqual(
        refused.map(({ rule }) => rule),
        ['REVOKED'],
      )
    })

    test(`and forges a ticket with the very keys in use is refused, over ${protocol.name}`, async () => {
      const drawn: Buffer[] = []
      const random = (size: number) => {
        drawn.push(randomBytes(size))
        return drawn.at(-1)!
      }
      const exposed = await join('stream', { config: testMesh.configFile, random })
      ending.add(() => exposed.leave())
      const { server, port, calls } = await listenGuarded(exposed, protocol)
      ending.add(() => server.close())
      const refused: Refusal[] = []
      exposed.on('refused', (refusal) => refused.push(refusal))
      const { leaf } = await strangerPair()
      const forge = () => {
        const [ticketKeys, context] = drawn.filter(({ length }) => length === 48 || length === 16).slice(-2)
        return forgeTicket(testMesh, ticketKeys!, { leaf, sessionIdContext: context!.toString('hex') })
      }
      const before = await callIn(protocol, port, { session: await forge() })
      assert.equal(before.resumed, true, 'the forgery is good')
      assert.match(before.received, protocol.answer)
      calls.length = 0
      await revoke(leaf.certificate.serial, exposed)
      // Ticket keys are made anew at the next connection; those are known as well.
      await callIn(protocol, port, {})
      refused.length = 0
      const { received, resumed } = await callIn(protocol, port, { session: await forge() })
      assert.deepEqual([received, resumed, calls], ['', true, []])
      assert.deepEqual(
        refused.map(({ rule }) => rule),
        ['REVOKED'],
      )
    })
  }

  for (const version of versions) {
    describe(`and serves, ${version}`, () => {
      let port: number
      let serial: string
      let sockets: TLSSocket[]

      /** A server with lake's pair that is no mesh: it never cuts by itself. */
      const serveAsLake = async (ALPNProtocols: string[], answer: (socket: TLSSocket) => void) => {
        const leaf = await testMesh.leaf('lake')
        serial = leaf.certificate.serial
        sockets = []
        const pair = { cert: testMesh.ca.chainPem(leaf), key: leaf.keyPem, ca: testMesh.ca.root.pem }
        const options = { ...pair, requestCert: true, maxVersion: version, ALPNProtocols }
        const server = createTlsServer(options, (socket) => {
          sockets.push(socket)
          socket.on('error', () => {})
          answer(socket)
        })
        port = await listen(server)
        ending.add(() => {
          for (const socket of sockets) socket.destroy()
          server.close()
        })
      }

      const isCut = (error: unknown) => {
        const found = meshErrorWithin(error)
        assert.equal(found?.code, 'CONNECTION_CUT', String(error))
        assert.equal(found?.refusal?.rule, 'REVOKED')
        return true
      }

      /** So that a request is under way. */
      const begins = (socket: TLSSocket) => socket.once('data', () => begun.resolve())
      let begun = Promise.withResolvers<void>()
      beforeEach(() => {
        begun = Promise.withResolvers()
      })

      test('fails what fetch has under way, with a reason', async () => {
        await serveAsLake(['http/1.1'], begins)
        const failing = assert.rejects(stream.fetch(`https://lake.service.datapunk:${port}/`), isCut)
        await begun.promise
        await revoke(serial, stream)
        await failing
        assert.equal(stream.counters.cut, 1)
      })

      test('fails what the agent has under way, with a reason', async () => {
        await serveAsLake(['http/1.1'], begins)
        const call = request({ host: 'lake.service.datapunk', port, agent: stream.agent })
        const failed = once(call, 'response')
        call.end()
        await begun.promise
        const failing = assert.rejects(failed, isCut)
        await revoke(serial, stream)
        await failing
      })

      test('fails a request of HTTP/2 under way', async () => {
        await serveAsLake(['h2'], begins)
        const socket = await stream.connect({ host: 'lake.service.datapunk', port, alpnProtocols: ['h2'] })
        const session = connectHttp2('https://lake.service.datapunk', { createConnection: () => socket })
        const call = session.request({ ':path': '/' })
        session.on('error', () => {})
        const failing = assert.rejects(once(call, 'response'), isCut)
        await begun.promise
        await revoke(serial, stream)
        await failing
      })

      test('is cut off where a socket is open, and upgraded', async () => {
        await serveAsLake([], begins)
        const socket = await stream.connect({ host: 'lake.service.datapunk', port })
        socket.write(hello)
        await begun.promise
        const error = new Promise<MeshError>((resolve) =>
          socket.once('error', resolve as (error: Error) => void),
        )
        await revoke(serial, stream)
        isCut(await error)
        assert.equal(socket.destroyed, true)
      })

      test('is refused at a new handshake, and no session is resumed', async () => {
        await serveAsLake(['http/1.1'], (socket) =>
          socket.on('data', () =>
            socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok'),
          ),
        )
        const call = async () => (await stream.fetch(`https://lake.service.datapunk:${port}/`)).text()
        assert.equal(await call(), 'ok')
        await revoke(serial, stream)
        await assert.rejects(call(), (error: MeshError) => {
          assert.deepEqual([error.code, error.refusal?.rule], ['SERVER_REFUSED', 'REVOKED'])
          return true
        })
        assert.equal(
          sockets.some((socket) => socket.isSessionReused()),
          false,
        )
      })
    })
  }

  test('says so itself, serves and calls nobody, and goes on with its next pair', async () => {
    const server = lake.createServer((_incoming, response) => response.end('hello'))
    const port = await listen(server)
    ending.add(() => server.close())
    const call = async () => (await stream.fetch(`https://lake.service.datapunk:${port}/`)).text()
    assert.equal(await call(), 'hello')
    const problems: MeshError[] = []
    lake.on('problem', (problem) => problems.push(problem))
    const revoked = once(lake, 'revoked')
    const pair = await testMesh.rotate('lake')
    await lake.refresh()
    await revoke(pair.certificate.serial, lake)
    const [{ serial }] = await revoked
    assert.equal(serial, pair.certificate.serial)
    assert.deepEqual(
      problems.map(({ code, data }) => [code, data.rule]),
      [['CERTIFICATE_REFUSED', 'REVOKED']],
    )
    assert.equal(lake.counters.open, 0)
    // Who has not heard of it yet is refused too.
    const { pair: nexus } = await strangerPair()
    assert.equal((await callAsStranger(port, hello, nexus)).received, '')
    assert.deepEqual(
      refusals.map(({ rule }) => rule),
      ['SELF_REVOKED'],
    )
    await assert.rejects(lake.connect({ host: 'stream.service.datapunk', port }), (error: MeshError) => {
      assert.deepEqual([error.code, error.data.rule], ['SERVER_REFUSED', 'SELF_REVOKED'])
      assert.match(
        error.message,
        /^nothing was sent: found .* of lake itself .*; allowed: .*`mtls issue lake`/,
      )
      return true
    })
    await testMesh.rotate('lake')
    await Promise.all([lake.refresh(), stream.refresh()])
    assert.equal(await call(), 'hello')
  })

  test('and is refused for it, learns that rather than that it was most likely refused', async () => {
    const leaf = await testMesh.leaf('lake')
    const [cert, key] = [testMesh.ca.chainPem(leaf), leaf.keyPem]
    // In TLS 1.2 a server has judged before the caller has.
    const server = createTlsServer({ cert, key, maxVersion: 'TLSv1.2', requestCert: true })
    const port = await listen(server)
    ending.add(() => server.close())
    const pair = await testMesh.rotate('stream')
    await stream.refresh()
    await revoke(pair.certificate.serial, stream)
    await assert.rejects(stream.connect({ host: 'lake', port }), (error: MeshError) => {
      assert.deepEqual([error.code, error.data.rule], ['PEER_REFUSED', 'SELF_REVOKED'])
      assert.match(
        error.message,
        /after the handshake: found .* of stream itself .*; allowed: .*`mtls issue stream`/,
      )
      return true
    })
  })

  test('can’t join', async () => {
    const pair = await testMesh.rotate('nexus')
    await testMesh.revoke(pair.certificate.serial)
    await assert.rejects(join('nexus', { config: testMesh.configFile }), (error: MeshError) => {
      assert.deepEqual([error.code, error.data.rule], ['CERTIFICATE_REFUSED', 'REVOKED'])
      return true
    })
  })
})
