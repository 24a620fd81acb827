import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { ClientRequest } from 'node:http'
import { type RequestOptions, request } from 'node:https'
import { connect as connectTcp, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { FixedClock, TestMesh } from '@datapunk/testkit'
import { join, type Mesh } from '../index.ts'
import { listen } from '../testing/listen.ts'

describe('an agent of the mesh', () => {
  let testMesh: TestMesh
  let lake: Mesh
  let stream: Mesh
  let clock: FixedClock

  before(async () => {
    testMesh = await TestMesh.create({ services: { lake: {}, stream: {} } })
    lake = await join('lake', { config: testMesh.configFile })
  })

  after(async () => {
    await lake.leave()
    await testMesh.remove()
  })

  beforeEach(async () => {
    clock = new FixedClock(Date.now())
    stream = await join('stream', { config: testMesh.configFile, clock, pollEvery: 2 ** 31 - 1 })
  })

  afterEach(() => stream.leave())

  const call = (port: number, options: RequestOptions = {}) =>
    request({ host: 'lake', port, agent: stream.agent, ...options }).end()

  const answer = async (called: ClientRequest) => {
    const [response] = await once(called, 'response')
    return text(response)
  }

  describe('while a connection is under way', () => {
    let silent: Server
    let port: number
    let ended: Promise<unknown>

    beforeEach(async () => {
      const gone = Promise.withResolvers<unknown>()
      silent = createTcpServer((socket) =>
        socket
          .on('error', () => {})
          .on('close', gone.resolve)
          .resume(),
      )
      ended = gone.promise
      port = await listen(silent)
    })

    afterEach(() => {
      silent.close()
    })

    const own = new Error('the caller’s own')
    const dialled = () => once(silent, 'connection') as Promise<[Socket]>
    const failure = async (called: ClientRequest) => (await once(called, 'error'))[0] as Error

    const timings: Record<string, () => ClientRequest> = {
      'as an option': () => call(port, { timeout: 500 }),
      'set afterwards': () => call(port).setTimeout(500),
    }
    for (const [name, timed] of Object.entries(timings)) {
      test(`tells of a timeout, ${name}`, async () => {
        const connection = dialled()
        const called = timed()
        called.on('timeout', () => called.destroy(own))
        const failed = failure(called)
        await connection
        clock.advance(500)
        assert.equal(await failed, own)
        await ended
      })
    }

    test('takes no longer than the timeout, where nobody hears of it', async () => {
      const called = failure(call(port, { timeout: 500 }))
      clock.advance(500)
      assert.equal(((await called) as NodeJS.ErrnoException).code, 'CONNECT_TIMEOUT')
    })

    const deaths: Record<string, [(called: ClientRequest, abort: AbortController) => unknown, object]> = {
      destroyed: [(called) => called.destroy(own), own],
      'destroyed without a reason': [(called) => called.destroy(), { code: 'ECONNRESET' }],
      aborted: [(_called, abort) => abort.abort(), { name: 'AbortError' }],
    }
    for (const [death, [end, reason]] of Object.entries(deaths)) {
      test(`gives it up when the request is ${death}`, async () => {
        const abort = new AbortController()
        const connection = dialled()
        const called = call(port, { signal: abort.signal })
        const failed = assert.rejects(once(called, 'response'), reason)
        await connection
        end(called, abort)
        await failed
        await ended
      })
    }

    test('dials for one more, and no more, when it is given up', async () => {
      let dials = 0
      silent.on('connection', () => dials++)
      stream.agent.maxSockets = 2
      const calls = Array.from({ length: 4 }, () => call(port).on('error', () => {}))
      while (dials < 2) await dialled()
      calls[0]?.destroy()
      while (dials < 3) await dialled()
      // Whoever dialled before has been taken before.
      const last = connectTcp(port, '127.0.0.1')
      let taken: Socket
      do [taken] = await dialled()
      while (taken.remotePort !== last.localPort)
      assert.equal(dials, 4)
      for (const each of [...calls, last]) each.destroy()
    })
  })

  test('opens no more connections than it may, however many requests come at once', async () => {
    let most = 0
    const server = lake.createServer((_incoming, response) => {
      most = Math.max(most, stream.counters.open)
      response.end('hello')
    })
    const port = await listen(server)
    stream.agent.maxSockets = 2
    const answers = await Promise.all(Array.from({ length: 10 }, () => answer(call(port))))
    assert.deepEqual(answers, Array(10).fill('hello'))
    assert.deepEqual([most, stream.counters.accepted], [2, 2])
    server.close()
  })

  test('tells of a timeout while it waits for the answer', async () => {
    const server = lake.createServer(() => {})
    const port = await listen(server)
    const called = call(port, { timeout: 1 }).on('error', () => {})
    await once(called, 'timeout')
    called.destroy()
    server.close()
  })

  test('lets the next request go where the one before found nobody', async () => {
    const free = createTcpServer()
    const port = await listen(free)
    free.close()
    await once(free, 'close')
    stream.agent.maxSockets = 1
    const unreachable = { code: 'PEER_UNREACHABLE' }
    const calls = [call(port), call(port), call(port)]
    await Promise.all(calls.map((each) => assert.rejects(once(each, 'response'), unreachable)))
  })

  test('goes over what is left where another connection has just been retired', async () => {
    const server = lake.createServer((_incoming, response) => response.end('hello'))
    const port = await listen(server)
    await Promise.all([answer(call(port)), answer(call(port))])
    const { agent } = stream
    const idle = () => agent.freeSockets[`lake:${port}`] ?? []
    while (idle().length < 2) await once(agent, 'free')
    const [left, retired] = idle() as [Socket, Socket]
    agent.retire([retired])
    assert.deepEqual([left.destroyed, retired.destroyed], [false, true])
    assert.equal(await answer(call(port)), 'hello')
    assert.equal(stream.counters.accepted, 2)
    server.close()
  })

  const destroyed: Record<string, [(port: number) => ClientRequest, object]> = {
    'in the queue': [(port) => call(port).destroy(), { code: 'ECONNRESET' }],
    'before it comes there': [(port) => call(port, { signal: AbortSignal.abort() }), { name: 'AbortError' }],
  }
  for (const [when, [queue, reason]] of Object.entries(destroyed)) {
    test(`a request that is destroyed ${when} is told at once`, async () => {
      const first = Promise.withResolvers<() => void>()
      const server = lake.createServer((_incoming, response) => first.resolve(() => response.end('hello')))
      const port = await listen(server)
      stream.agent.maxSockets = 1
      const called = answer(call(port))
      const answerFirst = await first.promise
      await assert.rejects(once(queue(port), 'response'), reason)
      answerFirst()
      assert.equal(await called, 'hello')
      server.close()
    })
  }
})
