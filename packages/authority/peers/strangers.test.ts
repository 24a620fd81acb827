import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, Socket } from 'node:net'
import { describe, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { atEnd, FixedClock } from '@datapunk/testkit'
import { PeerSocket } from '../testing/peer-socket.ts'
import { Strangers } from './strangers.ts'
import { TlsDoor } from './tls-door.ts'

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

  test('that are gone already are not counted', () => {
    const strangers = new Strangers(() => 0, 9)
    const [gone, going] = some(2)
    strangers.enter(gone!.destroy())
    strangers.enter(going!)
    assert.equal(strangers.size, 1)
    going!.emit('close')
    assert.equal(strangers.size, 0)
  })
})

describe('at the socket, strangers', () => {
  test('that say nothing are cut after ten seconds, and a peer is not', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const mesh = await PeerSocket.served(t)
    const peer = await mesh.stream()
    await mesh.greet(peer)
    const silent = await mesh.stream()
    const plain = connect(mesh.path)
    await once(plain, 'connect')
    await setImmediate()
    t.mock.timers.tick(10_000)
    await Promise.all([silent.ended, once(plain, 'close')])
    assert.equal(mesh.engine.peers.live()[0]?.leftAt, undefined)
    peer.asked.destroy()
  })

  test('are let in up to a number, and keep no peer out', async (t) => {
    const mesh = await PeerSocket.served(t, 4)
    const peer = await mesh.stream()
    await mesh.greet(peer)
    const silent = [await mesh.stream(), await mesh.stream()]
    silent.push(await mesh.stream(), await mesh.stream())
    await assert.rejects(mesh.stream(), 'the others have just come')
    mesh.clock.advance(1_000)
    const next = await mesh.stream()
    await silent[0]!.ended
    await mesh.greet(next)
    assert.ok(mesh.engine.peers.live().every(({ leftAt }) => leftAt === undefined))
    for (const { asked } of [peer, next, ...silent]) asked.destroy()
  })

  test('are few at the door for other hosts, too', async (t) => {
    const { engine } = await PeerSocket.served(t)
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
