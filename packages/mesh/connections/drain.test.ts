import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { FixedClock, TestMesh } from '@datapunk/testkit'
import { join, type Mesh } from '../index.ts'
import { listen } from '../testing/listen.ts'

const hour = 60 * 60 * 1000

/** The caller is no mesh, so that only the server's side has a clock. */
describe('a connection near the end of its certificate', () => {
  let testMesh: TestMesh
  let clock: FixedClock
  let lake: Mesh
  let close: () => void

  beforeEach(async () => {
    testMesh = await TestMesh.create({ services: { lake: {}, stream: {} } })
    clock = new FixedClock(testMesh.ca.at)
    lake = await join('lake', { config: testMesh.configFile, clock, pollEvery: 2 ** 31 - 1 })
  })

  afterEach(async () => {
    close()
    await lake.leave()
    await testMesh.remove()
  })

  const caller = async (ALPNProtocols: string[]) => {
    const leaf = await testMesh.leaf('stream', { notAfter: clock.now() + 24 * hour })
    return {
      ...{ cert: testMesh.ca.chainPem(leaf), key: leaf.keyPem, ca: testMesh.ca.root.pem },
      ...{ host: '127.0.0.1', servername: 'lake.service.datapunk', ALPNProtocols },
    }
  }

  test('over HTTP/1.1 is told so with the next answer, which is whole', async () => {
    const server = lake.createServer((_request, response) => response.end('whole'))
    const port = await listen(server)
    close = () => server.close()
    const socket = connectTls({ ...(await caller(['http/1.1'])), port })
    await once(socket, 'secureConnect')
    const ask = async () => {
      socket.write('GET / HTTP/1.1\r\nHost: lake.service.datapunk\r\n\r\n')
      let answer = ''
      while (!answer.includes('whole')) answer += (await once(socket, 'data'))[0]
      return /^connection: (.*)\r$/im.exec(answer)?.[1]
    }
    assert.equal(await ask(), 'keep-alive')
    clock.advance(24 * hour - 30_000)
    assert.equal(await ask(), 'close')
    await once(socket, 'close')
  })

  test('over HTTP/2 gets GOAWAY, and what is under way is finished', async () => {
    const server = lake.createServer({ http2: true }, (_request, response) => {
      response.write('begun, ')
      finish = () => response.end('and finished')
    })
    let finish = () => {}
    const port = await listen(server)
    close = () => server.close()
    const options = await caller(['h2'])
    const session = connectHttp2(`https://127.0.0.1:${port}`, options)
    const stream = session.request({ ':path': '/' })
    stream.setEncoding('utf8')
    const [first] = await once(stream, 'data')
    const goaway = once(session, 'goaway')
    clock.advance(24 * hour - 30_000)
    await goaway
    finish()
    let body = String(first)
    for await (const chunk of stream) body += chunk
    assert.equal(body, 'begun, and finished')
    await once(session, 'close')
  })
})
