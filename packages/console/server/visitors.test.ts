import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { connect as connectTcp, type Socket } from 'node:net'
import { afterEach, before, beforeEach, describe, mock, test } from 'node:test'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { FixedClock, seededRandom, TestCa, type TestIdentity } from '@datapunk/testkit'
import type { ConsoleEntrance, Shown, ShownPair, Visitor } from '../entrance.ts'
import { type ConsoleServer, serveConsole } from './console-server.ts'
import { LiveView } from './live-view.ts'
import { Sessions } from './sessions.ts'
import type { ConsoleSource } from './source.ts'

const NAME = 'authority.service.datapunk'

/** Milliseconds in which a busy machine opens all connections of a test: whoever says nothing for so long is closed. */
const SAYS_NOTHING_WITHIN = 600_000

/** Lets in whom it is told to, by the serials of their certificates. */
class FakeEntrance implements ConsoleEntrance {
  readonly names = [NAME]
  readonly known = new Map<string, Visitor>()
  /** All that it was asked to judge. */
  readonly judged: Shown[] = []
  /** `pair`: each time that it was asked for that, as at the end of every look. */
  readonly asked = new EventEmitter()
  shows: TestIdentity
  readonly #ca: TestCa

  constructor(ca: TestCa, shows: TestIdentity) {
    this.#ca = ca
    this.shows = shows
  }

  pair(): ShownPair {
    this.asked.emit('pair')
    return {
      cert: this.#ca.chainPem(this.shows),
      key: this.shows.keyPem,
      ca: this.#ca.root.pem + this.#ca.issuing.pem,
    }
  }

  visitor(shown: Shown): Visitor | undefined {
    this.judged.push(shown)
    const { leaf, openssl } = shown
    if (leaf === undefined || openssl !== undefined) return undefined
    return this.known.get(new X509Certificate(leaf).serialNumber.toLowerCase())
  }
}

let ca: TestCa
let alice: TestIdentity
let bob: TestIdentity
let entrance: FakeEntrance
let live: LiveView
let done: (string | undefined)[]
let sessions: Sessions
let server: ConsoleServer
let agents: Agent[]
let sockets: Socket[]

before(async () => {
  ca = await TestCa.create({ at: Date.now() })
  alice = await ca.operator('alice')
  bob = await ca.operator('bob')
})

beforeEach(async () => {
  agents = []
  sockets = []
  done = []
  entrance = new FakeEntrance(ca, await ca.leaf('authority'))
  entrance.known.set(alice.certificate.serial, { operator: 'alice', readOnly: false })
  entrance.known.set(bob.certificate.serial, { operator: 'bob', readOnly: true })
  const clock = new FixedClock()
  const randomBytes = seededRandom('visitors')
  sessions = new Sessions({ clock: clock.now, randomBytes })
  live = new LiveView()
  const source = {
    live,
    audit: async () => ({ entries: [], size: 7, root: '' }),
    act: async (_action: unknown, operator: string | undefined) => {
      done.push(operator)
      return { text: 'rotated', state: 'good' }
    },
  } as unknown as ConsoleSource
  server = await serveConsole({
    ...{ source, sessions, clock: clock.now, entrance, host: '127.0.0.1', port: 0 },
    ...{ headersWithin: SAYS_NOTHING_WITHIN, requestWithin: SAYS_NOTHING_WITHIN },
  })
})

afterEach(async () => {
  for (const agent of agents) agent.destroy()
  for (const socket of sockets) socket.destroy()
  await server.close()
})

function tlsOptions(who: TestIdentity | undefined): ConnectionOptions {
  return {
    ...{ host: '127.0.0.1', port: server.address.port, servername: NAME, ca: ca.root.pem },
    ...(who && { cert: ca.chainPem(who), key: who.keyPem }),
  }
}

/** A browser of its own: its requests share a connection. */
function browser(who: TestIdentity): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, maxCachedSessions: 0, ...tlsOptions(who) })
  agents.push(agent)
  return agent
}

interface Ask {
  readonly path: string
  readonly body?: object
  readonly session?: string | undefined
  readonly headers?: Record<string, string>
}

function opened(agent: Agent, { path, body, session, headers }: Ask): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const sent = request({
    ...{ agent, path, host: '127.0.0.1', port: server.address.port, servername: NAME },
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      host: new URL(server.url).host,
      ...(session && { authorization: `Bearer ${session}` }),
      ...(body && { origin: server.url, 'content-type': 'application/json' }),
      ...headers,
    },
  })
  sent.on('response', resolve).on('error', reject)
  sent.end(body && JSON.stringify(body))
  return promise
}

async function ask(agent: Agent, question: Ask) {
  const response = await opened(agent, question)
  const text = Buffer.concat(await response.toArray()).toString()
  const isJson = response.headers['content-type'] === 'application/json'
  return { status: response.statusCode, headers: response.headers, body: isJson ? JSON.parse(text) : text }
}

async function loggedIn(agent: Agent): Promise<string> {
  const { status, body } = await ask(agent, { path: '/api/session', body: {} })
  assert.equal(status, 200)
  return body.session
}

const rotate = { path: '/api/act', body: { action: 'rotate', service: 'lake' } }

describe('an operator', () => {
  test('comes in by a certificate alone, and what is done is done in that name', async () => {
    const agent = browser(alice)
    const page = await ask(agent, { path: '/' })
    assert.equal(page.status, 200)
    assert.match(String(page.headers['strict-transport-security']), /^max-age=\d{8}$/)
    assert.match(String(page.headers['content-security-policy']), /default-src 'none'/)
    const session = await loggedIn(agent)
    const audit = await ask(agent, { path: '/api/audit', session })
    assert.deepEqual([audit.status, audit.body.size], [200, 7])
    assert.equal((await ask(agent, { ...rotate, session })).status, 200)
    assert.deepEqual(done, ['alice'])
  })

  test('has a session that is nobody else’s', async () => {
    const session = await loggedIn(browser(alice))
    const { status, body } = await ask(browser(bob), { path: '/api/audit', session })
    assert.deepEqual([status, body.code], [401, 'NO_SESSION'])
    assert.match(body.message, /load the page again/)
  })

  test('who may only look does nothing', async () => {
    const agent = browser(bob)
    const session = await loggedIn(agent)
    assert.equal((await ask(agent, { path: '/api/audit', session })).status, 200)
    const { status, body } = await ask(agent, { ...rotate, session })
    assert.deepEqual([status, body.code], [403, 'READ_ONLY'])
    assert.match(body.message, /operators\.bob\.read_only: false/)
    assert.deepEqual(done, [])
  })

  test('who loses the right to do things loses it in the middle of a session', async () => {
    const agent = browser(alice)
    const session = await loggedIn(agent)
    entrance.known.set(alice.certificate.serial, { operator: 'alice', readOnly: true })
    assert.equal((await ask(agent, { ...rotate, session })).status, 403)
  })

  test('comes by no link, and under no other name', async () => {
    const agent = browser(alice)
    const byLink = await ask(agent, { path: '/api/session', body: { token: 'a'.repeat(43) } })
    assert.deepEqual([byLink.status, byLink.body.code], [400, 'REQUEST_INVALID'])
    const { port } = server.address
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, NAME, `evil.example:${port}`]) {
      const { status } = await ask(browser(alice), { path: '/', headers: { host } })
      assert.equal(status, 421, host)
    }
    const plain = `http://${NAME}:${port}`
    const { status } = await ask(browser(alice), {
      path: '/api/session',
      body: {},
      headers: { origin: plain },
    })
    assert.equal(status, 403)
  })

  test('who may no more come in is closed: at the next request, and with a page open', async () => {
    const agent = browser(alice)
    const session = await loggedIn(agent)
    const stream = await opened(browser(alice), { path: '/api/stream', session })
    await once(stream, 'data')
    const closed = closeOf(stream)
    stream.resume()
    entrance.known.delete(alice.certificate.serial)
    await assert.rejects(ask(agent, { path: '/api/audit', session }))
    await closed
  })

  test('who may no more come in is nobody of this machine instead', async () => {
    const agent = browser(alice)
    await ask(agent, { path: '/' })
    const { token } = sessions.link({ readOnly: false })
    entrance.known.delete(alice.certificate.serial)
    await assert.rejects(ask(agent, { path: '/api/session', body: { token } }))
    assert.doesNotThrow(() => sessions.logIn(token), 'the link is unused')
  })
})

describe('an operator who takes all there is', () => {
  test('of connections ends the oldest of his own, and is nobody else’s', async () => {
    const session = await loggedIn(browser(alice))
    const page = await opened(browser(alice), { path: '/api/stream', session })
    const crowd: TLSSocket[] = []
    const closed = new Set<Socket>()
    for (let count = 0; count < 300; count++) {
      const socket = connect(tlsOptions(bob))
      sockets.push(socket)
      crowd.push(socket)
      socket.on('error', () => {}).once('close', () => closed.add(socket))
      socket.resume()
      await once(socket, 'secureConnect')
    }
    assert.equal((await ask(browser(alice), { path: '/' })).status, 200)
    live.authority(true, 'still told')
    let told = ''
    for await (const text of page.setEncoding('utf8')) {
      told += text
      if (told.includes('still told')) break
    }
    assert.match(told, /still told/)
    for (const socket of crowd.slice(0, -64)) if (!closed.has(socket)) await once(socket, 'close')
    assert.ok(crowd.slice(-64).every((socket) => !closed.has(socket)))
  })

  test('of pages keeps nobody else from one', async () => {
    const session = await loggedIn(browser(alice))
    for (let count = 0; count < 4; count++) {
      const own = await loggedIn(browser(bob))
      for (let page = 0; page < 8; page++) await opened(browser(bob), { path: '/api/stream', session: own })
    }
    const more = await loggedIn(browser(bob))
    const refused = await opened(browser(bob), { path: '/api/stream', session: more })
    assert.equal(refused.statusCode, 429)
    const { code, message } = JSON.parse(Buffer.concat(await refused.toArray()).toString())
    assert.equal(code, 'TOO_MANY_STREAMS')
    assert.match(message, /0 of this session, 32 of this operator, 32 in all; allowed: 8 .* 32 .* 256/)
    assert.equal((await opened(browser(alice), { path: '/api/stream', session })).statusCode, 200)
  })
})

/** The end of something, however it ends. */
function closeOf(thing: EventEmitter): Promise<void> {
  thing.on('error', () => {})
  return new Promise((resolve) => thing.once('close', resolve))
}

/** All that is read from the console over a connection that speaks at once, until it is closed. */
async function heard(options: ConnectionOptions): Promise<string> {
  const socket = connect(options)
  sockets.push(socket)
  socket.on('error', () => {})
  socket.write(`GET / HTTP/1.1\r\nhost: ${new URL(server.url).host}\r\n\r\n`)
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  await closeOf(socket)
  return Buffer.concat(chunks).toString()
}

describe('somebody else', () => {
  test('hears nothing', async () => {
    const other = await TestCa.create({ at: Date.now(), seed: 'other' })
    const stranger = await other.operator('alice')
    const silent = [
      tlsOptions(undefined),
      tlsOptions(await ca.leaf('lake')),
      { ...tlsOptions(alice), cert: other.chainPem(stranger), key: stranger.keyPem },
      { ...tlsOptions(alice), maxVersion: 'TLSv1.2' as const },
    ]
    for (const options of silent) assert.equal(await heard(options), '')
    assert.equal((await ask(browser(alice), { path: '/' })).status, 200)
  })

  test('who speaks no TLS hears nothing', async () => {
    const socket = connectTcp({ host: '127.0.0.1', port: server.address.port })
    sockets.push(socket)
    socket.on('error', () => {})
    socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
    })
    await closeOf(socket)
    assert.ok(!text.includes('HTTP/'))
  })

  test('who stalls in the handshake keeps nobody out, however often', async () => {
    const first = connectTcp({ host: '127.0.0.1', port: server.address.port })
    sockets.push(first)
    const closed = closeOf(first)
    await once(first, 'connect')
    for (let count = 0; count < 300; count++) {
      const socket = connectTcp({ host: '127.0.0.1', port: server.address.port })
      socket.on('error', () => {})
      sockets.push(socket)
      await once(socket, 'connect')
    }
    await closed
    assert.equal((await ask(browser(alice), { path: '/' })).status, 200)
  })
})

describe('the console', () => {
  const shaken = async (options: ConnectionOptions): Promise<TLSSocket> => {
    const socket = connect(options)
    sockets.push(socket)
    await once(socket, 'secureConnect')
    return socket
  }

  test('resumes no session, so that every handshake shows a certificate', async () => {
    const socket = await shaken(tlsOptions(alice))
    let session: Buffer | undefined
    socket.on('session', (given: Buffer) => {
      session = given
    })
    socket.write(`GET / HTTP/1.1\r\nhost: ${new URL(server.url).host}\r\nconnection: close\r\n\r\n`)
    socket.resume()
    await closeOf(socket)
    const again = await shaken({ ...tlsOptions(alice), session })
    assert.equal(again.isSessionReused(), false)
  })

  test('shows another certificate as soon as it has one, and keeps who is there', async () => {
    const agent = browser(alice)
    await ask(agent, { path: '/' })
    const next = await ca.leaf('authority')
    entrance.shows = next
    let shown = ''
    while (shown !== next.certificate.serial) {
      const socket = await shaken(tlsOptions(alice))
      shown = socket.getPeerX509Certificate()?.serialNumber.toLowerCase() ?? ''
      socket.destroy()
    }
    assert.equal((await ask(agent, { path: '/' })).status, 200)
  })

  test('looks every second at what it has: at the same leaf, and at no further text of its key', async () => {
    const agent = browser(alice)
    await ask(agent, { path: '/' })
    const written = mock.method(JSON, 'stringify')
    await once(entrance.asked, 'pair')
    await once(entrance.asked, 'pair')
    written.mock.restore()
    assert.ok(entrance.judged.length >= 4)
    assert.equal(new Set(entrance.judged).size, 1)
    assert.ok(!written.mock.calls.some(({ result }) => result?.includes('PRIVATE KEY')))
  })
})
