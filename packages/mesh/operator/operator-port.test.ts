import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { request } from 'node:http'
import { connect, type Server } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import { atEnd } from '@datapunk/testkit'
import { type OperatorPort, type OperatorSource, serveOperator } from './index.ts'

const well: OperatorSource = {
  metrics: async () => ({ type: 'text/plain; version=0.0.4', text: 'mtls_ready 1\n' }),
  sickness: () => undefined,
  unreadiness: () => undefined,
}

/** Where Node tells of a server that listens. */
const LISTENING = 'tracing:net.server.listen:asyncEnd'

interface Answer {
  readonly status: number | undefined
  readonly type: string | undefined
  readonly text: string
}

async function ask(port: OperatorPort, path: string, method = 'GET', host?: string): Promise<Answer> {
  const headers = host === undefined ? {} : { host }
  const asked = request({ ...port.place, path, method, headers, agent: false }).end()
  const [response] = await once(asked, 'response')
  const { statusCode: status, headers: given } = response
  return { status, type: given['content-type'], text: await text(response) }
}

describe('the port for operators', () => {
  const serve = async (
    t: { after(stop: () => Promise<void>): void },
    source: Partial<OperatorSource> = {},
  ) => {
    const port = await serveOperator({ ...well, ...source })
    atEnd(t, () => port.close())
    return port
  }

  test('gives metrics, and says that all is well', async (t) => {
    const port = await serve(t)
    assert.deepEqual(await ask(port, '/metrics'), {
      ...{ status: 200, type: 'text/plain; version=0.0.4', text: 'mtls_ready 1\n' },
    })
    assert.deepEqual(
      (await Promise.all([ask(port, '/healthz'), ask(port, '/readyz?verbose')])).map((one) => [
        one.status,
        one.text,
      ]),
      [
        [200, 'ok\n'],
        [200, 'ok\n'],
      ],
    )
    assert.deepEqual((await ask(port, '/readyz', 'HEAD')).text, '')
  })

  test('says 503 and the reason where all is not well', async (t) => {
    const port = await serve(t, { sickness: () => 'it hangs', unreadiness: () => 'the bundle has ended' })
    const [health, readiness] = await Promise.all([ask(port, '/healthz'), ask(port, '/readyz')])
    assert.deepEqual([health.status, health.text], [503, 'it hangs\n'])
    assert.deepEqual([readiness.status, readiness.text], [503, 'the bundle has ended\n'])
  })

  test('gives nothing else, and takes nothing', async (t) => {
    const port = await serve(t)
    for (const path of ['/', '/metrics/', '/__proto__', '/toString', '/../metrics']) {
      assert.equal((await ask(port, path)).status, 404, path)
    }
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      assert.equal((await ask(port, '/metrics', method)).status, 405, method)
    }
  })

  test('a page whose name was made to lead to loopback reads nothing', async (t) => {
    const port = await serve(t)
    for (const host of ['evil.example', 'evil.example:9090', 'localhost.evil.example', 'a:b:c', ' ']) {
      assert.equal((await ask(port, '/metrics', 'GET', host)).status, 421, host)
    }
    for (const host of ['localhost', 'localhost:9090', '127.0.0.1:1', '[::1]:9090']) {
      assert.equal((await ask(port, '/metrics', 'GET', host)).status, 200, host)
    }
  })

  test('metrics are gathered once for all who ask meanwhile, and nothing of a failure is told', async (t) => {
    let gathered = 0
    const gate = Promise.withResolvers<{ type: string; text: string }>()
    const port = await serve(t, {
      metrics: () => {
        gathered++
        return gate.promise
      },
    })
    const asking = Array.from({ length: 5 }, () => ask(port, '/metrics'))
    // All five have been heard by now: a connection's requests are answered in the order they came.
    await ask(port, '/healthz')
    gate.resolve({ type: 'text/plain', text: 'x 1\n' })
    assert.deepEqual(new Set((await Promise.all(asking)).map((one) => one.text)), new Set(['x 1\n']))
    assert.ok(gathered < 5)

    const broken = await serve(t, { metrics: () => Promise.reject(new Error('the secret')) })
    await assert.rejects(ask(broken, '/metrics'), { code: 'ECONNRESET' })
    assert.equal((await ask(broken, '/healthz')).status, 200)
  })

  test('headers that are too large end the connection', async (t) => {
    const { place } = await serve(t)
    const socket = connect(place.port, place.host)
    socket.write(`GET /metrics HTTP/1.1\r\nhost: localhost\r\nx: ${'x'.repeat(16 * 1024)}\r\n\r\n`)
    assert.match(await text(socket), /^HTTP\/1\.1 431 /)
  })

  test('goes on where connections could not be accepted', async (t) => {
    const servers: Server[] = []
    const begun = (message: unknown) => servers.push((message as { server: Server }).server)
    subscribe(LISTENING, begun)
    const port = await serve(t)
    unsubscribe(LISTENING, begun)
    for (let n = 0; n < 3; n++) servers[0]!.emit('error', new Error('accept EMFILE'))
    assert.equal((await ask(port, '/healthz')).status, 200)
  })

  test('a place that is taken is named', async (t) => {
    const { place } = await serve(t)
    await assert.rejects(serveOperator(well, place), {
      code: 'LISTEN_FAILED',
      message: new RegExp(`found 127\\.0\\.0\\.1:${place.port} not to be had \\(EADDRINUSE\\)`),
    })
  })

  test('it keeps no process alive, nor does a connection to it', async () => {
    const script = `
      import { connect } from 'node:net'
      import { serveOperator } from ${JSON.stringify(import.meta.resolve('./operator-port.ts'))}
      const { place } = await serveOperator({})
      connect(place.port, place.host).unref().on('connect', () => console.log('connected'))
      await new Promise((resolve) => setImmediate(resolve))`
    const child = spawn(process.execPath, ['--input-type=module-typescript', '--eval', script])
    const [[code]] = await Promise.all([once(child, 'exit'), text(child.stdout)])
    assert.equal(code, 0)
  })
})
