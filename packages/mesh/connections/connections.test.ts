import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { connect as connectTls, createServer as createTlsServer, type Server, type TLSSocket } from 'node:tls'
import { FixedClock, TestMesh, type TestOverrides } from '@datapunk/testkit'
import type { Verdict } from '../gate/gate.ts'
import { type CutConnection, join, type Mesh, type MeshError } from '../index.ts'
import { listen } from '../testing/listen.ts'
import { type Connection, Connections, type ConnectionsListener, type Cut } from './connections.ts'

const day = 24 * 60 * 60 * 1000

/** The other end is always no mesh, so that only one side judges. */
describe('an open connection', () => {
  let testMesh: TestMesh
  let clock: FixedClock
  let mesh: Mesh
  let servers: Server[]
  let cuts: CutConnection[]

  beforeEach(async () => {
    testMesh = await TestMesh.create({
      services: { lake: {}, stream: {}, nexus: {} },
      bundleDays: 1000,
    })
    clock = new FixedClock(Date.now())
    mesh = await join('lake', { config: testMesh.configFile, clock, pollEvery: 2 ** 31 - 1 })
    cuts = []
    servers = []
    mesh.on('cut', (cut) => cuts.push(cut))
  })

  afterEach(async () => {
    for (const server of servers) server.close()
    await mesh.leave()
    await testMesh.remove()
  })

  const pairOf = async (service: string, overrides?: TestOverrides) => {
    const leaf = await testMesh.leaf(service, overrides)
    return { cert: testMesh.ca.chainPem(leaf), key: leaf.keyPem, ca: testMesh.ca.root.pem }
  }

  const echo = (socket: TLSSocket) => socket.on('error', () => {}).pipe(socket)

  const listening = (server: Server) => {
    servers.push(server)
    return listen(server)
  }

  /** A call of `stream` to the mesh. */
  const called = async (overrides?: TestOverrides): Promise<TLSSocket> => {
    const port = await listening(mesh.protect(createTlsServer(echo)))
    const accepted = once(mesh, 'accepted')
    const servername = 'lake.service.datapunk'
    const socket = connectTls({ host: '127.0.0.1', port, servername, ...(await pairOf('stream', overrides)) })
    socket.on('error', () => {})
    await accepted
    return socket
  }

  /** A call of the mesh to `stream`. */
  const calling = async (overrides?: TestOverrides): Promise<TLSSocket> => {
    const pair = await pairOf('stream', overrides)
    const port = await listening(createTlsServer({ ...pair, requestCert: true }, echo))
    return mesh.connect({ host: 'stream', port })
  }

  const answers = async (socket: TLSSocket) => {
    socket.write('still here')
    const [chunk] = await once(socket, 'data')
    assert.equal(chunk.toString(), 'still here')
  }

  const closed = (socket: TLSSocket) => new Promise((resolve) => socket.once('close', resolve))

  test('is counted while it is open', async () => {
    const socket = await calling()
    await answers(socket)
    assert.deepEqual([mesh.counters.open, mesh.counters.accepted], [1, 1])
    const gone = closed(socket)
    socket.end()
    await text(socket)
    await gone
    assert.equal(mesh.counters.open, 0)
  })

  for (const [way, open] of Object.entries({ called, calling })) {
    test(`lives on when pairs and bundles change, ${way}`, async () => {
      const socket = await open()
      await testMesh.rotate('lake')
      testMesh.change('lake', { callers: ['stream'] })
      await testMesh.publish()
      await mesh.refresh()
      await answers(socket)
      assert.deepEqual(cuts, [])
      socket.destroy()
    })

    test(`is cut when the peer is a member no more, ${way}`, async () => {
      const socket = await open()
      const gone = closed(socket)
      const failed = way === 'calling' ? once(socket, 'error') : undefined
      testMesh.change('stream', 'remove')
      await testMesh.publish()
      await mesh.refresh()
      await gone
      assert.equal(cuts.length, 1)
      assert.equal(cuts[0]?.peer.service, 'stream')
      assert.equal(cuts[0]?.direction, way === 'called' ? 'in' : 'out')
      assert.match(String(cuts[0]?.remote), /^127\.0\.0\.1:\d+$/)
      assert.equal(cuts[0]?.error.code, 'CONNECTION_CUT')
      assert.equal(cuts[0]?.error.refusal?.rule, 'NOT_A_MEMBER')
      assert.deepEqual([mesh.counters.open, mesh.counters.cut], [0, 1])
      const [error] = (await failed) ?? []
      assert.equal(error, failed && (cuts[0]?.error as MeshError))
    })

    test(`is cut when its issuing CA is retired, ${way}`, async () => {
      const gone = closed((await open()).on('error', () => {}))
      const { certificate } = await testMesh.ca.intermediate('the next issuing CA')
      await testMesh.trust({ issuingCas: [certificate] })
      await mesh.refresh()
      await gone
      assert.equal(cuts[0]?.error.data.rule, 'ISSUER_UNKNOWN')
    })

    test(`ends when the peer’s certificate does, however far that is, ${way}`, async () => {
      const socket = await open({ notAfter: clock.now() + 100 * day })
      socket.on('error', () => {})
      clock.advance(99 * day)
      await answers(socket)
      const gone = closed(socket)
      clock.advance(day + 2000)
      await gone
      assert.equal(cuts.length, 1)
      assert.equal(cuts[0]?.error.data.rule, 'CERTIFICATE_EXPIRED')
    })
  }

  test('is cut even where a listener throws at the one before it', async () => {
    const thrown: unknown[] = []
    process.setUncaughtExceptionCaptureCallback((error) => thrown.push(error))
    try {
      mesh.on('cut', () => assert.fail('the application’s own fault'))
      const sockets = [await calling(), await calling()]
      const gone = sockets.map((socket) => closed(socket.on('error', () => {})))
      testMesh.change('stream', 'remove')
      await testMesh.publish()
      await mesh.refresh()
      await Promise.all(gone)
      assert.deepEqual(
        thrown.map((error) => (error as Error).message),
        ['the application’s own fault', 'the application’s own fault'],
      )
    } finally {
      process.setUncaughtExceptionCaptureCallback(null)
    }
  })

  test('is cut when the right to call is gone', async () => {
    const gone = closed(await called())
    testMesh.change('lake', { callers: ['nexus'] })
    await testMesh.publish()
    await mesh.refresh()
    await gone
    assert.equal(cuts[0]?.error.data.rule, 'CALLER_NOT_ALLOWED')
  })
})

test('connections under an issuing CA on its way out are moved once, and all that are open at once', () => {
  const moved: unknown[] = []
  const told: unknown[] = []
  const unexpected = () => assert.fail('nothing is cut')
  const connections = new Connections(new FixedClock(), {
    ...{ cut: unexpected, othersChanged: () => {}, draining: ({ socket }) => told.push(socket) },
    outgoingDrained: (sockets) => moved.push(sockets),
  })
  const open = (issuer: string) => {
    const socket = new EventEmitter()
    const standing = { issuer, peer: { serial: '01', notAfter: Number.POSITIVE_INFINITY } }
    connections.add({ socket, standing, contact: { direction: 'out' } } as unknown as Connection)
    return socket
  }
  const [first, , second] = ['old', 'new', 'old'].map(open)
  for (let changes = 0; changes < 2; changes++) connections.drainIssuedBy(new Set(['old']))
  const third = open('old')
  assert.deepEqual(moved, [[first, second], [third]])
  connections.drainIssuedBy(new Set(['old']))
  assert.equal(moved.length, 2)
  assert.deepEqual(told, [first, second, third])
})

describe('connections under one serial', () => {
  const unheard: ConnectionsListener = {
    ...{ cut: () => {}, othersChanged: () => {}, draining: () => {}, outgoingDrained: () => {} },
  }

  const open = (connections: Connections, direction: 'in' | 'out') => {
    const socket = new PassThrough()
    const standing = { peer: { serial: '01', notAfter: Number.POSITIVE_INFINITY } }
    const contact = { direction, remote: () => undefined }
    connections.add({ socket, standing, contact } as unknown as Connection)
    return socket
  }

  test('are counted, and those that were made, until the last has closed', () => {
    const connections = new Connections(new FixedClock(), unheard)
    const [called, calling] = [open(connections, 'in'), open(connections, 'out')]
    assert.deepEqual(connections.counts(), { connections: [{ serial: '01', count: 2, made: 1 }], open: 2 })
    calling.emit('close')
    assert.deepEqual(connections.counts(), { connections: [{ serial: '01', count: 1, made: 0 }], open: 1 })
    called.emit('close')
    assert.deepEqual(connections.counts(), { connections: [], open: 0 })
  })

  test('are cut where they have not ended already, and are open no more when that is told', () => {
    const refusal = { refusal: { self: {}, peer: {} } } as unknown as Verdict
    const told: unknown[] = []
    const cut = ({ connection }: Cut) => told.push([connection.socket, connections.size])
    const connections = new Connections(new FixedClock(), { ...unheard, cut })
    const [ended, cutOff] = [open(connections, 'in'), open(connections, 'in')]
    ended.destroy()
    connections.rejudge(() => refusal)
    assert.deepEqual(told, [[cutOff, 1]])
  })
})
