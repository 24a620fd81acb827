import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { type IncomingMessage, type RequestOptions, request } from 'node:http'
import { connect, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import type {
  ConsoleAction,
  ConsoleAudit,
  ConsoleDone,
  ConsoleMessage,
  ConsolePlan,
  ConsoleProblem,
  ConsoleServiceDetail,
  ConsoleSession,
  ConsoleView,
} from '@datapunk/protocol/console'
import { atEnd, FixedClock, seededRandom } from '@datapunk/testkit'
import { type ConsoleServer, serveConsole } from './console-server.ts'
import { LiveView } from './live-view.ts'
import { SESSION_LIFE, Sessions } from './sessions.ts'
import type { ConsoleSource } from './source.ts'

/** Where Node tells of a server that listens. */
const LISTENING = 'tracing:net.server.listen:asyncEnd'

const view: ConsoleView = { mesh: {} as ConsoleView['mesh'], services: [], links: [], revocations: [] }
const rotateLake: ConsoleAction = { action: 'rotate', service: 'lake' }

/** A mesh that remembers what was asked of it. */
class FakeSource implements ConsoleSource {
  readonly live = new LiveView()
  readonly done: ConsoleAction[] = []
  failure: unknown

  async service(name: string) {
    if (name !== 'lake') return undefined
    return { service: name, spiffeId: '', callers: [], certificates: [], pins: [], peers: [] }
  }
  async audit(before: number | undefined) {
    return { entries: [], size: before ?? 7, root: '' }
  }
  async log() {
    return undefined
  }
  async proof() {
    return undefined
  }
  async plan() {
    if (this.failure !== undefined) throw this.failure
    return { title: 'Rotate lake?', effects: [], command: 'mtls rotate lake' }
  }
  async act(action: ConsoleAction) {
    this.done.push(action)
    return { text: 'rotated', state: 'good' } as const
  }
}

let clock: FixedClock
let source: FakeSource
let sessions: Sessions
let server: ConsoleServer

beforeEach(async () => {
  clock = new FixedClock()
  source = new FakeSource()
  const randomBytes = seededRandom('console')
  sessions = new Sessions({ clock: clock.now, randomBytes })
  const within = { headersWithin: 300, requestWithin: 600 }
  server = await serveConsole({ source, sessions, clock: clock.now, host: '127.0.0.1', port: 0, ...within })
})
afterEach(() => server.close())

interface Answer {
  readonly status: number | undefined
  readonly headers: IncomingMessage['headers']
  readonly text: string
  /** Of text that is JSON, else empty; which of these it has is for each test to say. */
  readonly body: Partial<
    ConsoleProblem & ConsoleSession & ConsolePlan & ConsoleDone & ConsoleServiceDetail & ConsoleAudit
  >
}

type Ask = RequestOptions & { readonly body?: string | undefined; readonly session?: string }

function opened({ session, body, headers, ...options }: Ask): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const sent = request({
    ...{
      host: '127.0.0.1',
      port: server.address.port,
      agent: false,
      method: body === undefined ? 'GET' : 'POST',
    },
    ...options,
    headers: {
      ...(session && { authorization: `Bearer ${session}` }),
      ...(body !== undefined && { origin: server.url, 'content-type': 'application/json' }),
      ...headers,
    },
  })
  sent.on('response', resolve).on('error', reject)
  sent.end(body)
  return promise
}

async function ask(options: Ask): Promise<Answer> {
  const response = await opened(options)
  const text = Buffer.concat(await response.toArray()).toString()
  const isJson = response.headers['content-type'] === 'application/json'
  const { statusCode: status, headers } = response
  return { status, headers, text, body: isJson ? JSON.parse(text) : {} }
}

function logIn(readOnly = false): string {
  return sessions.logIn(sessions.link({ readOnly }).token).session
}

async function refusal(options: Ask): Promise<[status: number | undefined, code: string | undefined]> {
  const { status, body } = await ask(options)
  return [status, body.code]
}

const login = (token: string, headers = {}) =>
  ask({ path: '/api/session', body: JSON.stringify({ token }), headers })

describe('the page', () => {
  test('is served to whoever asks, with a policy that lets in nothing from elsewhere', async () => {
    const { status, headers, text } = await ask({ path: '/' })
    assert.equal(status, 200)
    assert.match(text, /<script type="module" src="\/page\/main.ts">/)
    assert.doesNotMatch(text, /https?:\/\/|<style|style=|<script>/)
    const policy = String(headers['content-security-policy'])
    assert.match(policy, /default-src 'none'.*frame-ancestors 'none'.*require-trusted-types-for 'script'/)
    assert.doesNotMatch(policy, /unsafe|\*|https?:/)
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.equal(headers['cross-origin-resource-policy'], 'same-origin')
    assert.equal(headers['referrer-policy'], 'no-referrer')
  })

  test('is served on where connections could not be accepted', async (t) => {
    const servers: Server[] = []
    const begun = (message: unknown) => servers.push((message as { server: Server }).server)
    subscribe(LISTENING, begun)
    const other = await serveConsole({ source, sessions, clock: clock.now, host: '127.0.0.1', port: 0 })
    unsubscribe(LISTENING, begun)
    atEnd(t, () => other.close())
    for (let n = 0; n < 3; n++) servers[0]!.emit('error', new Error('accept EMFILE'))
    assert.equal((await ask({ path: '/', port: other.address.port })).status, 200)
  })

  test('is where other pages may lead, and they ask it for nothing', async () => {
    const session = logIn()
    const cases = [
      ['/', 'cross-site', 200],
      ['/api/audit', 'same-origin', 200],
      ['/api/audit', 'same-site', 403],
      ['/api/audit', 'cross-site', 403],
    ] as const
    for (const [path, site, status] of cases)
      assert.equal(
        (await ask({ path, session, headers: { 'sec-fetch-site': site } })).status,
        status,
        `${path} ${site}`,
      )
  })

  test('has scripts without types, and nothing that lies beside it', async () => {
    const { status, headers, text } = await ask({ path: '/page/main.ts' })
    assert.deepEqual([status, headers['content-type']], [200, 'text/javascript; charset=utf-8'])
    assert.doesNotMatch(text, /from '[^./]/)
    const others = [
      '/page/tsconfig.json',
      '/page/../index.ts',
      '/page/%2e%2e/index.ts',
      '/package.json',
      '//',
      '/page/main.ts?x',
    ]
    for (const path of others) assert.deepEqual(await refusal({ path }), [404, 'NOT_FOUND'], path)
  })
})

describe('a login', () => {
  test('with a link gives a session, once', async () => {
    const { token } = sessions.link({ readOnly: false })
    const { status, body } = await login(token)
    assert.deepEqual([status, body.readOnly, body.endsAt], [200, false, clock.now() + SESSION_LIFE])
    assert.equal((await ask({ path: '/api/audit', session: body.session ?? '' })).status, 200)
    const again = await login(token)
    assert.deepEqual([again.status, again.body.code], [403, 'LINK_INVALID'])
  })

  test('by another page, or under another name, is refused, and uses no link up', async () => {
    const { token } = sessions.link({ readOnly: false })
    const port = server.address.port
    const cases: [number, string, Record<string, string>][] = [
      [403, 'ORIGIN_REFUSED', { origin: 'http://evil.example' }],
      [403, 'ORIGIN_REFUSED', { origin: 'null' }],
      [403, 'ORIGIN_REFUSED', { origin: `http://127.0.0.1:${port + 1}` }],
      [403, 'ORIGIN_REFUSED', { 'sec-fetch-site': 'cross-site' }],
      [403, 'ORIGIN_REFUSED', { 'sec-fetch-site': 'same-site' }],
      [421, 'HOST_REFUSED', { host: `evil.example:${port}`, origin: `http://evil.example:${port}` }],
      [421, 'HOST_REFUSED', { host: '127.0.0.1' }],
    ]
    for (const [status, code, headers] of cases) {
      const answer = await login(token, headers)
      assert.deepEqual([answer.status, answer.body.code], [status, code], JSON.stringify(headers))
    }
    assert.equal((await login(token)).status, 200)
  })

  test('under any name of this machine is let in', async () => {
    for (const name of ['localhost', '127.0.0.1', '[::1]']) {
      const host = `${name}:${server.address.port}`
      const { token } = sessions.link({ readOnly: false })
      assert.equal((await login(token, { host, origin: `http://${host}` })).status, 200)
    }
  })
})

describe('a call', () => {
  test('without a session is told nothing, whatever it asks for', async () => {
    const ended = logIn()
    clock.advance(SESSION_LIFE)
    for (const session of ['', 'x', 'A'.repeat(43), ended])
      for (const path of ['/api/stream', '/api/audit', '/api/service?service=lake', '/api/nothing'])
        assert.deepEqual(await refusal({ path, session }), [401, 'NO_SESSION'], `${session} ${path}`)
    const body = JSON.stringify(rotateLake)
    assert.deepEqual(await refusal({ path: '/api/act', body }), [401, 'NO_SESSION'])
    assert.deepEqual(source.done, [])
  })

  test('is answered', async () => {
    const session = logIn()
    const detail = await ask({ path: '/api/service?service=lake', session })
    assert.deepEqual([detail.status, detail.body.service], [200, 'lake'])
    assert.equal((await ask({ path: '/api/audit?before=3', session })).body.size, 3)
    for (const path of [
      '/api/service?service=none',
      '/api/log',
      `/api/proof?serial=${'0'.repeat(16)}`,
      '/api/none',
    ])
      assert.deepEqual(await refusal({ path, session }), [404, 'NOT_FOUND'], path)
  })

  test('is made less as the browser takes it, each time the same', async () => {
    const plain = await ask({ path: '/page/main.ts' })
    assert.equal(plain.headers['content-encoding'], undefined)
    for (const [coding, decoded] of [
      ['gzip', gunzipSync],
      ['br', brotliDecompressSync],
    ] as const) {
      const headers = { 'accept-encoding': `deflate, ${coding}` }
      const response = await opened({ path: '/page/main.ts', headers })
      assert.equal(response.headers['content-encoding'], coding)
      assert.equal(decoded(Buffer.concat(await response.toArray())).toString(), plain.text)
    }
  })

  test('with anything else than it takes is refused', async () => {
    const session = logIn()
    const queries = [
      '/api/service',
      '/api/service?service=Lake',
      '/api/service?service=lake&x=1',
      '/api/audit?before=-1',
      '/api/proof?serial=zz',
    ]
    for (const path of queries)
      assert.deepEqual(await refusal({ path, session }), [400, 'REQUEST_INVALID'], path)
    const bodies = [
      '',
      '{',
      '[]',
      'null',
      '{"action":"none"}',
      JSON.stringify({ ...rotateLake, more: 1 }),
      JSON.stringify({ action: 'rotate', service: '../lake' }),
      JSON.stringify({ action: 'revoke', target: { service: 'lake' }, reason: 'certificate-hold' }),
      JSON.stringify({
        action: 'revoke',
        target: { service: 'lake', serial: '0'.repeat(16) },
        reason: 'superseded',
      }),
      `${JSON.stringify(rotateLake)}${' '.repeat(17_000)}`,
    ]
    for (const body of bodies)
      for (const path of ['/api/plan', '/api/act'])
        assert.deepEqual(await refusal({ path, session, body }), [400, 'REQUEST_INVALID'], body.slice(0, 80))
    const headers = { 'content-type': 'text/plain' }
    const body = JSON.stringify(rotateLake)
    assert.deepEqual(await refusal({ path: '/api/act', session, body, headers }), [400, 'REQUEST_INVALID'])
    assert.deepEqual(await refusal({ path: '/api/act', session, method: 'POST' }), [403, 'ORIGIN_REFUSED'])
    assert.deepEqual(source.done, [])
  })

  test('does what it says; with a session to look it does nothing', async () => {
    const body = JSON.stringify(rotateLake)
    const looking = logIn(true)
    assert.deepEqual(await refusal({ path: '/api/act', session: looking, body }), [403, 'READ_ONLY'])
    assert.equal((await ask({ path: '/api/plan', session: looking, body })).body.title, 'Rotate lake?')
    assert.deepEqual(source.done, [])
    assert.equal((await ask({ path: '/api/act', session: logIn(), body })).body.text, 'rotated')
    assert.deepEqual(source.done, [rotateLake])
  })

  test('that the authority refuses says why; a fault of ours says nothing of itself', async () => {
    const session = logIn()
    const body = JSON.stringify(rotateLake)
    source.failure = Object.assign(new Error('lake is barred: `mtls issue lake`'), { code: 'SERVICE_BARRED' })
    const refused = await ask({ path: '/api/plan', session, body })
    assert.deepEqual(refused.body, { code: 'NOT_DONE', message: 'lake is barred: `mtls issue lake`' })
    source.failure = new TypeError('secret is undefined')
    const { status, body: told } = await ask({ path: '/api/plan', session, body })
    assert.equal(status, 409)
    assert.doesNotMatch(told.message ?? 'secret', /secret/)
  })

  test('that comes too slowly is ended', async () => {
    const session = logIn()
    const head = `POST /api/act HTTP/1.1\r\nhost: 127.0.0.1:${server.address.port}\r\norigin: ${server.url}\r\n`
    const rest = `authorization: Bearer ${session}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{`
    for (const sent of [head, head + rest]) {
      const socket = connect(server.address.port, '127.0.0.1')
      socket.write(sent)
      const answer = Buffer.concat(await socket.toArray()).toString()
      assert.match(answer, /^(HTTP\/1\.1 408 |HTTP\/1\.1 400 |$)/)
    }
    assert.deepEqual(source.done, [])
  })
})

describe('the stream', () => {
  async function* messagesOf(response: IncomingMessage): AsyncGenerator<ConsoleMessage> {
    let rest = ''
    for await (const text of response.setEncoding('utf8')) {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        const message: ConsoleMessage = JSON.parse(line)
        if (message.type !== 'beat') yield message
      }
    }
  }

  test('tells what there is, and then what changes', async () => {
    source.live.show(view)
    const response = await opened({ path: '/api/stream', session: logIn() })
    const messages = messagesOf(response)
    assert.deepEqual((await messages.next()).value, { type: 'view', view })
    source.live.show({ ...view, links: [{ caller: 'nexus', callee: 'lake', count: 1 }] })
    assert.equal((await messages.next()).value?.type, 'change')
    const closed = once(response, 'close')
    response.destroy()
    await closed
  })

  test('ends when its session is logged out', async () => {
    const session = logIn()
    const response = await opened({ path: '/api/stream', session })
    const ended = new Promise((resolve) => response.once('close', resolve))
    response.on('error', () => {}).resume()
    const headers = { origin: server.url }
    assert.equal((await ask({ path: '/api/session', method: 'DELETE', session, headers })).status, 200)
    await ended
    assert.deepEqual(await refusal({ path: '/api/stream', session }), [401, 'NO_SESSION'])
  })

  test('of one session is open eight times at most, and one that goes makes room', async () => {
    const session = logIn()
    const open = await Promise.all(Array.from({ length: 8 }, () => opened({ path: '/api/stream', session })))
    assert.deepEqual(await refusal({ path: '/api/stream', session }), [429, 'TOO_MANY_STREAMS'])
    const other = await opened({ path: '/api/stream', session: logIn() })
    assert.equal(other.statusCode, 200)
    open[0]?.destroy()
    let status: number | undefined
    while (status !== 200) status = (await opened({ path: '/api/stream', session })).statusCode
  })

  test('asked for by ten thousand connections: the page is served before, meanwhile to those that are in, and after', async () => {
    const session = logIn()
    const told = messagesOf(await opened({ path: '/api/stream', session }))
    const open = new Set<Socket>()
    for (let batch = 0; batch < 20; batch++) {
      const sockets = Array.from({ length: 500 }, () => connect(server.address.port, '127.0.0.1'))
      for (const socket of sockets) {
        open.add(socket)
        socket.on('error', () => {}).once('close', () => open.delete(socket))
        socket.write(`GET /api/stream HTTP/1.1\r\nhost: 127.0.0.1:${server.address.port}\r\n\r\n`)
        socket.resume()
      }
      await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve))))
    }
    source.live.show(view)
    assert.equal((await told.next()).value?.type, 'view')
    assert.equal(open.size, 0)
    let status: number | undefined
    while (status !== 200) status = (await ask({ path: '/' }).catch(() => undefined))?.status
  })
})
