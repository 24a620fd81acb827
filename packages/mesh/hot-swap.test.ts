import assert from 'node:assert/strict'
import { request } from 'node:https'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { TestMesh } from '@datapunk/testkit'
import { join, type Mesh } from './index.ts'
import { listen } from './testing/listen.ts'

const SWAPS = 50

describe('swapping pairs under load', () => {
  let testMesh: TestMesh
  let lake: Mesh
  let stream: Mesh

  before(async () => {
    testMesh = await TestMesh.create({ services: { lake: {}, stream: {} } })
    const options = { config: testMesh.configFile }
    ;[lake, stream] = await Promise.all([join('lake', options), join('stream', options)])
  })

  after(async () => {
    await Promise.all([lake.leave(), stream.leave()])
    await testMesh.remove()
  })

  test(`${SWAPS} swaps on both sides, kept-alive and fresh callers: no request fails`, async () => {
    const serials = new Set<string>()
    const server = lake.createServer((incoming, response) => {
      serials.add(lake.peer(incoming).serial)
      if (incoming.url === '/fresh') response.setHeader('connection', 'close')
      response.end(`hello ${lake.peer(incoming).service}`)
    })
    const port = await listen(server)
    const problems: unknown[] = []
    for (const mesh of [lake, stream]) {
      mesh.on('problem', (problem) => problems.push(problem))
      mesh.on('refused', (refusal) => problems.push(refusal))
    }
    let swapping = true
    const counts = { fetch: 0, fresh: 0, agent: 0, connect: 0 }
    const keepCalling = async (way: keyof typeof counts, call: () => Promise<string>) => {
      while (swapping) {
        assert.match(await call(), /hello stream/)
        counts[way]++
      }
    }
    const callers = [
      keepCalling('fetch', async () => (await stream.fetch(`https://lake:${port}/kept`)).text()),
      keepCalling('fresh', async () => (await stream.fetch(`https://lake:${port}/fresh`)).text()),
      keepCalling('agent', () => {
        const { promise, resolve, reject } = Promise.withResolvers<string>()
        const options = { host: 'lake.service.datapunk', port, agent: stream.agent }
        request(options, (response) => text(response).then(resolve, reject))
          .on('error', reject)
          .end()
        return promise
      }),
      keepCalling('connect', async () => {
        const socket = await stream.connect({ host: 'lake', port })
        socket.write('GET /fresh HTTP/1.1\r\nHost: lake\r\n\r\n')
        return text(socket)
      }),
    ]
    for (let swap = 0; swap < SWAPS; swap++) {
      await Promise.all([testMesh.rotate('lake'), testMesh.rotate('stream')])
      if (swap % 10 === 0) await testMesh.publish()
      await Promise.all([lake.refresh(), stream.refresh()])
      const before = { ...counts }
      while (Object.keys(counts).some((way) => counts[way as 'fetch'] === before[way as 'fetch'])) {
        await new Promise(setImmediate)
      }
    }
    swapping = false
    await Promise.all(callers)
    assert.deepEqual(problems, [])
    assert.ok(serials.size >= SWAPS, `${serials.size} of ${SWAPS} pairs were used`)
    server.close()
  })

  test('kept-alive sockets of the old pair are not used again, requests on them finish', async () => {
    const finish: (() => void)[] = []
    const server = lake.createServer((incoming, response) => {
      response.write(lake.peer(incoming).serial)
      if (incoming.url === '/slow') finish.push(() => response.end())
      else response.end()
    })
    const port = await listen(server)
    const viaAgent = (path: string) => {
      const { promise, resolve, reject } = Promise.withResolvers<string>()
      const options = { host: 'lake.service.datapunk', port, path, agent: stream.agent }
      request(options, (response) => text(response).then(resolve, reject))
        .on('error', reject)
        .end()
      return promise
    }
    const viaFetch = async (path: string) => (await stream.fetch(`https://lake:${port}${path}`)).text()
    const old = await viaFetch('/')
    assert.equal(await viaAgent('/'), old)
    const slow = [viaFetch('/slow'), viaAgent('/slow')]
    while (finish.length < 2) await new Promise(setImmediate)
    const { certificate } = await testMesh.rotate('stream')
    await stream.refresh()
    assert.equal(await viaFetch('/'), certificate.serial)
    assert.equal(await viaAgent('/'), certificate.serial)
    for (const end of finish) end()
    assert.deepEqual(await Promise.all(slow), [old, old])
    assert.equal(await viaAgent('/'), certificate.serial)
    server.close()
  })
})
