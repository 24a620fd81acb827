import assert from 'node:assert/strict'
import { createPrivateKey, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type ClientRequest, request } from 'node:http'
import { connect, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { localSigner } from '@datapunk/pki'
import { encodeMessage, sealHello } from '@datapunk/protocol'
import { atEnd, FixedClock } from '@datapunk/testkit'
import { apply } from '../apply.ts'
import { testEngine } from '../testing/test-engine.ts'
import { servePeers } from './serve-peers.ts'
import { Strangers } from './strangers.ts'
import { TlsDoor } from './tls-door.ts'

const yes = { approve: () => true }

describe('strangers', () => {
  const some = (count: number) => Array.from({ length: count }, () => new Socket())
  const alive = (sockets: readonly Socket[]) => sockets.map(({ destroyed }) => !destroyed)

  test('have ten seconds to say who they are, or to ask for something', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const strangers = new Strangers(() => 0, 9)
    const sockets = some(4)
    const [, known, asks, comesBack] = sockets
    for (const socket of sockets) strangers.enter(socket)
    strangers.known(known!)
    strangers.served(asks!)
    strangers.known(comesBack!)
    t.mock.timers.tick(5_000)
    strangers.enter(comesBack!)
    t.mock.timers.tick(5_000)
    assert.deepEqual(alive(sockets), [false, true, true, true])
    t.mock.timers.tick(5_000)
    assert.deepEqual(alive(sockets), [false, true, true, false])
  })

  test('are few: the oldest makes room, but nobody who has just come', () => {
    const clock = new FixedClock(0)
    const strangers = new Strangers(() => clock.now(), 2)
    const sockets = some(5)
    for (const socket of sockets.slice(0, 3)) strangers.enter(socket)
    assert.deepEqual(alive(sockets), [true, true, false, true, true])
    clock.advance(1_000)
    strangers.enter(sockets[3]!)
    assert.deepEqual(alive(sockets), [false, true, false, true, true])
    // Whoever is known takes nobody's place.
    strangers.known(sockets[3]!)
    strangers.enter(sockets[4]!)
    assert.deepEqual(alive(sockets), [false, true, false, true, true])
    assert.equal(strangers.size, 2)
    for (const socket of sockets) strangers.known(socket)
  })
})

describe('at the socket, strangers', () => {
  const served = async (t: TestContext, maxStrangers?: number) => {
    const dir = mkdtempSync(join(tmpdir(), 'strangers-'))
    atEnd(t, () => rmSync(dir, { recursive: true }))
    const clock = new FixedClock(Date.now())
    const engine = testEngine({ dir, clock, config: { services: { lake: {} } } })
    await apply(engine, yes)
    const streaming = { ...engine, halt: () => assert.fail('nobody is ahead'), readElsewhere: undefined }
    const socket = engine.layout.mesh.socket
    const server = await servePeers(streaming, { socket, listen: undefined, maxStrangers })
    atEnd(t, () => server.close())
    return { engine, clock, socket }
  }

  /** A stream that was answered, and what it was answered with first. */
  const stream = async (socketPath: string) => {
    const asked = request({ socketPath, path: '/stream', method: 'POST', agent: false })
    const ended = new Promise<void>((resolve) => asked.once('close', resolve))
    asked.on('error', () => {})
    asked.flushHeaders()
    const [response] = await once(asked, 'response')
    response.on('error', () => {})
    const [line] = await once(response, 'data')
    return { asked, ended, nonce: JSON.parse(String(line)).nonce as string }
  }

  const greet = async (
    { engine }: Awaited<ReturnType<typeof served>>,
    { asked, nonce }: { asked: ClientRequest; nonce: string },
  ) => {
    const { store, config, peers } = engine
    const key = createPrivateKey(readFileSync(config.services.get('lake')!.key, 'utf8'))
    const number = { generation: 1, counter: 1 }
    const hello = {
      ...{ nonce, meshId: store.mesh()!.meshId, peer: randomBytes(16).toString('hex'), version: '1' },
      formats: [1],
      serial: store.currentCertificates().find(({ instance }) => instance === 'lake')!.serial,
      ...{ trustStatement: number, bundle: number },
    }
    const before = peers.live().length
    asked.write(encodeMessage({ type: 'hello', document: await sealHello(hello, localSigner(key)) }))
    while (peers.live().length === before) await setImmediate()
  }

  test('that say nothing are cut after ten seconds, and a peer is not', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const mesh = await served(t)
    const peer = await stream(mesh.socket)
    await greet(mesh, peer)
    const silent = await stream(mesh.socket)
    const plain = connect(mesh.socket)
    await once(plain, 'connect')
    await setImmediate()
    t.mock.timers.tick(10_000)
    await Promise.all([silent.ended, once(plain, 'close')])
    assert.equal(mesh.engine.peers.live()[0]?.leftAt, undefined)
    peer.asked.destroy()
  })

  test('are let in up to a number, and keep no peer out', async (t) => {
    const mesh = await served(t, 4)
    const peer = await stream(mesh.socket)
    await greet(mesh, peer)
    const silent = [await stream(mesh.socket), await stream(mesh.socket)]
    silent.push(await stream(mesh.socket), await stream(mesh.socket))
    await assert.rejects(stream(mesh.socket), 'the others have just come')
    mesh.clock.advance(1_000)
    const next = await stream(mesh.socket)
    await silent[0]!.ended
    await greet(mesh, next)
    assert.ok(mesh.engine.peers.live().every(({ leftAt }) => leftAt === undefined))
    for (const { asked } of [peer, next, ...silent]) asked.destroy()
  })

  test('are few at the door for other hosts, too', async (t) => {
    const { engine } = await served(t)
    const admit = () => assert.fail('nobody shakes hands')
    const door = new TlsDoor({ ...engine, maxConnections: 16, maxStrangers: 2, admit })
    atEnd(t, () => door.close())
    await door.listen({ host: '127.0.0.1', port: 0 })
    const sockets = Array.from({ length: 3 }, () => connect(door.address!.port, '127.0.0.1'))
    for (const socket of sockets) socket.on('error', () => {})
    await once(sockets[2]!, 'close')
    assert.equal(door.strangers.size, 2)
    for (const socket of sockets) socket.destroy()
  })
})
