import { createSecureServer } from 'node:http2'
import { createServer as createHttpsServer } from 'node:https'
import {
  type ConnectionOptions,
  createServer as createTlsServer,
  type Server,
  type TlsOptions,
} from 'node:tls'
import type { Mesh } from '../index.ts'
import { listen } from './listen.ts'
import { callAsStranger, type Outcome } from './stranger.ts'

/** A server behind the gate whose application is heard of, whatever it is told. */
export interface GuardedServer {
  readonly server: Server
  readonly port: number
  /** What the application was called with, by event. */
  readonly calls: string[]
}

/** One way of speaking over TLS: a server of it, and what an impatient caller sends at once. */
export interface Protocol {
  readonly name: string
  readonly alpn: readonly string[]
  /** Two requests, one after the other without waiting. */
  readonly first: string | Buffer
  /** How an answer of the application begins. */
  readonly answer: RegExp
  /** How the gate says 403, where it can. */
  readonly forbidden: RegExp | undefined
  make(options?: TlsOptions): Server
}

const get = 'GET /one HTTP/1.1\r\nHost: x\r\n\r\nGET /two HTTP/1.1\r\nHost: x\r\n\r\n'
const upgrade = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nfirst frame'

/** RFC 9113: the preface, empty SETTINGS, and HEADERS for streams 1 and 3 with `GET https://x/` (RFC 7541). */
const http2Requests = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
  Buffer.from([0, 0, 6, 1, 5, 0, 0, 0, 1, 0x82, 0x84, 0x87, 0x41, 1, 0x78]),
  Buffer.from([0, 0, 6, 1, 5, 0, 0, 0, 3, 0x82, 0x84, 0x87, 0x41, 1, 0x78]),
])

export const protocols: readonly Protocol[] = [
  {
    name: 'https',
    alpn: ['http/1.1'],
    first: get,
    answer: /^HTTP\/1\.1 200/,
    forbidden: /^HTTP\/1\.1 403[\s\S]*application\/problem\+json[\s\S]*CALLER_NOT_ALLOWED/,
    make: (options = {}) => createHttpsServer(options, (_request, response) => response.end('hello')),
  },
  {
    name: 'h2',
    alpn: ['h2'],
    first: http2Requests,
    answer: /hello/,
    forbidden: /CALLER_NOT_ALLOWED/,
    make: (options = {}) =>
      createSecureServer({ allowHTTP1: true, ...options }, (_request, response) => response.end('hello')),
  },
  {
    name: 'tls',
    alpn: [],
    first: 'hello',
    answer: /^hello/,
    forbidden: undefined,
    make: (options = {}) => createTlsServer(options, (socket) => socket.pipe(socket)),
  },
  {
    name: 'upgrade',
    alpn: ['http/1.1'],
    first: upgrade,
    answer: /^HTTP\/1\.1 101/,
    forbidden: /^HTTP\/1\.1 403[\s\S]*CALLER_NOT_ALLOWED/,
    make: (options = {}) => {
      const server = createHttpsServer(options, (_request, response) => response.end('no upgrade'))
      server.on('upgrade', (_request, socket) =>
        socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'),
      )
      return server
    },
  },
]

/** Calls as a stranger in this protocol, and waits for an answer or for the end. */
export function callIn(protocol: Protocol, port: number, options: ConnectionOptions): Promise<Outcome> {
  const { alpn, answer, forbidden, first } = protocol
  const until = new RegExp(`${answer.source}|${forbidden?.source ?? '$^'}`)
  return callAsStranger(
    port,
    first,
    { ...(alpn.length > 0 && { ALPNProtocols: [...alpn] }), ...options },
    until,
  )
}

const applicationEvents = [
  'checkContinue',
  'checkExpectation',
  'clientError',
  'connect',
  'request',
  'secureConnection',
  'session',
  'stream',
  'unknownProtocol',
]

/** Puts a server behind the gate, with listeners for everything, added before and after, and lets it listen. */
export async function listenGuarded(
  mesh: Mesh,
  protocol: Protocol,
  options?: TlsOptions,
): Promise<GuardedServer> {
  const server = protocol.make(options)
  const calls: string[] = []
  const hear = (event: string) => server.prependListener(event as 'request', () => calls.push(event))
  for (const event of applicationEvents) {
    if (event !== 'clientError' && event !== 'unknownProtocol') hear(event)
  }
  if (protocol.name === 'upgrade') hear('upgrade')
  mesh.protect(server)
  server.on('secureConnection', (socket) => {
    calls.push('secureConnection, late')
    socket.on('error', () => {})
  })
  server.on('tlsClientError', () => {})
  return { server, port: await listen(server), calls }
}
