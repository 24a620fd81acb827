import { createServer, type Server, type ServerOptions } from 'node:https'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { remoteText, strictTls } from '@datapunk/protocol'
import type { ConsoleEntrance, Shown, ShownPair, Visitor } from '../entrance.ts'

/** How long a connection may outlast the right to have it. Milliseconds. */
const SWEEP_EVERY = 1000

/** Handshakes at once; the oldest makes room for the next, so that whoever stalls keeps nobody out. */
const MAX_HANDSHAKES = 64

/** Of one operator: some browsers, with six or so each (what Chromium and Firefox open to a host). The oldest makes room. */
const MAX_CONNECTIONS_OF_ONE = 64

interface Connection {
  /** Of the handshake; there is no second one in TLS 1.3. */
  readonly shown: Shown
  /** Undefined until there is a verdict. */
  operator: string | undefined
}

/**
 * Whoever comes from elsewhere, over mutual TLS, with a verdict on every connection before anything is read from it, on every
 * request, and every second as long as it is open. Whoever is refused is closed without a word.
 */
export class Visitors {
  readonly server: Server
  readonly #entrance: ConsoleEntrance
  /** By the other end. */
  readonly #handshakes = new Map<string, Socket>()
  /** The oldest first. */
  readonly #open = new Map<TLSSocket, Connection>()
  readonly #sweep: NodeJS.Timeout
  #pair: ShownPair | undefined

  constructor(entrance: ConsoleEntrance, options: ServerOptions) {
    this.#entrance = entrance
    this.server = createServer({
      ...options,
      ...strictTls,
      // OpenSSL only asks: Node would close whoever it refuses before the entrance can say why.
      requestCert: true,
      rejectUnauthorized: false,
      ALPNProtocols: ['http/1.1'],
    })
    this.server.on('connection', (socket) => this.#begin(socket))
    // Before the listener of HTTP, which reads nothing from a socket that is destroyed; `of` asks again for each request.
    this.server.prependListener('secureConnection', (socket) => this.#judge(socket))
    this.server.on('tlsClientError', (_error, socket) => socket.destroy())
    this.#usePair()
    this.#sweep = setInterval(() => this.#look(), SWEEP_EVERY).unref()
  }

  /** Who is at the other end, now. Whoever may not be there any more is closed. */
  of(socket: TLSSocket): Visitor | undefined {
    const connection = this.#open.get(socket)
    if (socket.destroyed || connection === undefined) return undefined
    const visitor = this.#entrance.visitor(connection.shown)
    if (visitor === undefined) socket.destroy()
    return visitor
  }

  close(): void {
    clearInterval(this.#sweep)
    for (const socket of [...this.#handshakes.values(), ...this.#open.keys()]) socket.destroy()
  }

  #begin(socket: Socket): void {
    const remote = remoteOf(socket)
    this.#handshakes.set(remote, socket)
    socket.once('close', () => this.#handshakes.get(remote) === socket && this.#handshakes.delete(remote))
    if (this.#handshakes.size <= MAX_HANDSHAKES) return
    const [oldest] = this.#handshakes.values()
    oldest?.destroy()
  }

  #judge(socket: TLSSocket): void {
    socket.on('error', () => {})
    this.#handshakes.delete(remoteOf(socket))
    const connection: Connection = { shown: shownBy(socket), operator: undefined }
    this.#open.set(socket, connection)
    socket.once('close', () => this.#open.delete(socket))
    const visitor = this.of(socket)
    if (visitor === undefined) return
    connection.operator = visitor.operator
    this.#makeRoom(visitor.operator)
  }

  /** Whoever opens very many ends his own, and nobody else's. */
  #makeRoom(operator: string): void {
    const own = [...this.#open].filter(([{ destroyed }, one]) => one.operator === operator && !destroyed)
    if (own.length > MAX_CONNECTIONS_OF_ONE) own[0]?.[0].destroy()
  }

  #look(): void {
    for (const socket of this.#open.keys()) this.of(socket)
    this.#usePair()
  }

  /** New handshakes use it at once. */
  #usePair(): void {
    const pair = this.#entrance.pair()
    if (isSamePair(pair, this.#pair)) return
    this.#pair = pair
    this.server.setSecureContext({ ...strictTls, ...pair })
  }
}

/** Part by part: a text of all would be another copy of the key. */
function isSamePair(one: ShownPair, other: ShownPair | undefined): boolean {
  return one.cert === other?.cert && one.key === other.key && one.ca === other.ca
}

/** A socket, and TLS over it, have the same. */
function remoteOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}

function shownBy(socket: TLSSocket): Shown {
  return {
    leaf: socket.getPeerX509Certificate()?.raw,
    openssl: socket.authorized ? undefined : String(socket.authorizationError),
    remote: remoteText(socket),
  }
}
