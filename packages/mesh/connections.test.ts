import assert from 'node:assert/strict'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { createServer as createTlsServer, type Server, type TLSSocket } from 'node:tls'
import { FixedClock, TestMesh } from '@datapunk/testkit'
import { type CutConnection, join, type Mesh } from './index.ts'
import { listen } from './testing/listen.ts'

const day = 24 * 60 * 60 * 1000

describe('an open connection', () => {
  let testMesh: TestMesh
  let clock: FixedClock
  let lake: Mesh
  let stream: Mesh
  let server: Server
  let port: number
  let cuts: CutConnection[]

  beforeEach(async () => {
    testMesh = await TestMesh.create({ services: { lake: {}, stream: {}, nexus: {} } })
    clock = new FixedClock(Date.now())
    const options = { config: testMesh.configFile, clock, pollEvery: 2 ** 31 - 1 }
    ;[lake, stream] = await Promise.all([join('lake', options), join('stream', options)])
    cuts = []
    for (const mesh of [lake, stream]) mesh.on('cut', (cut) => cuts.push(cut))
    server = lake.protect(createTlsServer((socket) => socket.on('error', () => {}).pipe(socket)))
    port = await listen(server)
  })

  afterEach(async () => {
    server.close()
    await Promise.all([lake.leave(), stream.leave()])
    await testMesh.remove()
  })

  const connect = async (): Promise<TLSSocket> => {
    const accepted = once(lake, 'accepted')
    const socket = await stream.connect({ host: 'lake', port })
    socket.on('error', () => {})
    await accepted
    return socket
  }

  const answers = async (socket: TLSSocket) => {
    socket.write('still here')
    const [chunk] = await once(socket, 'data')
    assert.equal(chunk.toString(), 'still here')
  }

  const closed = (socket: TLSSocket) => new Promise((resolve) => socket.once('close', resolve))

  test('is counted while it is open', async () => {
    const socket = await connect()
    await answers(socket)
    assert.deepEqual([lake.counters.open, lake.counters.accepted], [1, 1])
    assert.deepEqual([stream.counters.open, stream.counters.accepted], [1, 1])
    const gone = closed(socket)
    socket.end()
    await text(socket)
    await gone
    assert.equal(stream.counters.open, 0)
  })

  test('lives on when pairs and bundles change', async () => {
    const socket = await connect()
    await Promise.all([testMesh.rotate('lake'), testMesh.rotate('stream')])
    await testMesh.publish()
    await Promise.all([lake.refresh(), stream.refresh()])
    await answers(socket)
    assert.deepEqual(cuts, [])
    socket.destroy()
  })

  test('is cut when its caller is a member no more', async () => {
    const gone = closed(await connect())
    testMesh.change('stream', 'remove')
    await testMesh.publish()
    await lake.refresh()
    await gone
    const cut = cuts.find(({ direction }) => direction === 'in')
    assert.equal(cut?.peer.service, 'stream')
    assert.equal(cut.error.code, 'CONNECTION_CUT')
    assert.equal(cut.error.refusal?.rule, 'NOT_A_MEMBER')
    assert.deepEqual([lake.counters.open, lake.counters.cut], [0, 1])
  })

  test('is cut when the right to call is gone, and not when another’s is', async () => {
    const socket = await connect()
    testMesh.change('lake', { callers: ['stream'] })
    await testMesh.publish()
    await lake.refresh()
    await answers(socket)
    const gone = closed(socket)
    testMesh.change('lake', { callers: ['nexus'] })
    await testMesh.publish()
    await lake.refresh()
    await gone
    assert.equal(cuts[0]?.error.data.rule, 'CALLER_NOT_ALLOWED')
  })

  test('is cut on the caller’s side when the server is a member no more', async () => {
    const socket = await connect()
    const failed = Promise.withResolvers<unknown>()
    socket.once('error', failed.resolve)
    testMesh.change('lake', 'remove')
    await testMesh.publish()
    await stream.refresh()
    assert.equal(((await failed.promise) as { code: string }).code, 'CONNECTION_CUT')
    assert.ok(cuts.some(({ direction, peer }) => direction === 'out' && peer.service === 'lake'))
  })

  test('is cut when its issuing CA is retired', async () => {
    const gone = closed(await connect())
    const { certificate } = await testMesh.ca.intermediate('the next issuing CA')
    await testMesh.trust({ issuingCas: [certificate] })
    await lake.refresh()
    await gone
    assert.equal(cuts[0]?.error.data.rule, 'ISSUER_UNKNOWN')
  })

  test('ends when the peer’s certificate does, however far that is', async () => {
    await testMesh.rotate('stream', { notAfter: clock.now() + 100 * day })
    await stream.refresh()
    const socket = await connect()
    clock.advance(99 * day)
    await answers(socket)
    const gone = closed(socket)
    clock.advance(day + 2000)
    await gone
    assert.ok(
      cuts.every(({ direction, error }) => direction === 'in' && error.data.rule === 'CERTIFICATE_EXPIRED'),
    )
    assert.equal(cuts.length, 1)
  })
})
