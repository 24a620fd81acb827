import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { after, before, describe, test } from 'node:test'
import { TestMesh } from '@datapunk/testkit'
import { anyone, authorize, join, type Mesh } from '../index.ts'
import { listen } from '../testing/listen.ts'

describe('authorize', () => {
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

  const call = async (allow: Parameters<typeof authorize>[0]) => {
    const handler = lake.authorize(allow)
    const server = lake.createServer((request, response) =>
      handler(request, response, () => response.end('done')),
    )
    const port = await listen(server)
    const response = await stream.fetch(`https://lake.service.datapunk:${port}/`)
    server.close()
    return {
      status: response.status,
      type: response.headers.get('content-type'),
      body: await response.text(),
    }
  }

  test('lets the named on, by service or SPIFFE ID, and whom a function allows', async () => {
    assert.equal((await call(['nexus', 'stream'])).body, 'done')
    assert.equal((await call(['spiffe://service.datapunk/stream'])).body, 'done')
    assert.equal((await call((peer) => peer.service === 'stream')).body, 'done')
    assert.equal((await call(anyone())).body, 'done')
  })

  test('answers others with 403 and a problem', async () => {
    const { status, type, body } = await call(['nexus'])
    assert.equal(status, 403)
    assert.equal(type, 'application/problem+json')
    assert.equal(JSON.parse(body).code, 'CALLER_NOT_AUTHORIZED')
    assert.equal((await call(() => false)).status, 403)
  })

  test('answers with 403 where nobody is known, as at a plain port', async () => {
    const handler = authorize(anyone())
    const server = createServer((request, response) => handler(request, response, () => response.end('done')))
    const port = await listen(server)
    const response = await fetch(`http://127.0.0.1:${port}/`)
    assert.equal(response.status, 403)
    const { code, detail, caller } = (await response.json()) as Record<string, string>
    assert.deepEqual([code, caller], ['CALLER_NOT_AUTHORIZED', undefined])
    assert.match(String(detail), /did not come through the mesh; allowed: members/)
    server.close()
  })

  test('lets nobody on whom a function does not say true of', async () => {
    const truthy = (() => 'yes') as unknown as () => boolean
    assert.equal((await call(truthy)).status, 403)
  })

  test('takes no function that is async', async () => {
    const asynchronous = async () => true
    assert.throws(
      () => authorize(asynchronous as unknown as () => boolean),
      /^TypeError: authorize: found a function that gives a promise/,
    )
    const said: unknown[] = []
    const handler = authorize((() => asynchronous()) as unknown as () => boolean)
    const server = lake.createServer((request, response) => {
      assert.throws(() => handler(request, response, () => said.push('next')), TypeError)
      response.end()
    })
    const port = await listen(server)
    await stream.fetch(`https://lake.service.datapunk:${port}/`)
    server.close()
    assert.deepEqual(said, [])
  })

  test('is a step of a handler of HTTP/2 too', async () => {
    const allowed = lake.authorize(['stream'])
    const forbidden = lake.authorize(['nexus'])
    const server = lake.createServer({ http2: true }, (request, response) =>
      allowed(request, response, () => forbidden(request, response, () => response.end('done'))),
    )
    const port = await listen(server)
    const socket = await stream.connect({ host: 'lake', port, alpnProtocols: ['h2'] })
    const session = connectHttp2('https://lake', { createConnection: () => socket })
    const [headers] = await once(session.request({ ':path': '/' }).resume(), 'response')
    assert.equal(headers[':status'], 403)
    session.close()
    server.close()
  })

  test('is a hook of Fastify too', async () => {
    const said: unknown[] = []
    const reply = {
      code(status: number) {
        said.push(status)
        return reply
      },
      type(contentType: string) {
        said.push(contentType)
        return reply
      },
      send: (body: string) => said.push(JSON.parse(body).caller),
    }
    const server = lake.createServer((raw, response) => {
      authorize(['nexus'])({ raw }, reply, () => said.push('next'))
      authorize(['stream'])({ raw }, reply, () => said.push('next'))
      response.end()
    })
    const port = await listen(server)
    await stream.fetch(`https://lake.service.datapunk:${port}/`)
    server.close()
    assert.deepEqual(said, [403, 'application/problem+json', 'stream', 'next'])
  })

  test('has no default that means everyone', () => {
    assert.throws(() => authorize([]), /TypeError: authorize: found nobody to allow/)
    assert.throws(() => authorize(undefined as unknown as string[]), TypeError)
    assert.throws(() => authorize('stream' as unknown as string[]), TypeError)
    assert.throws(() => authorize(['stream', undefined] as string[]), TypeError)
  })
})
