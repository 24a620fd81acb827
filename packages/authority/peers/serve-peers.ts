import { chmodSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { sectionDifference } from '@datapunk/protocol'
import { listenOnSocket } from '../socket.ts'
import { PeerStream, type Streaming } from './peer-stream.ts'
import { type Publication, publicationOf } from './publication.ts'

/** Far more than one authority is meant for, and fewer than would use up its files. */
const MAX_CONNECTIONS = 16_384

/** Who connects and says nothing is let go. Milliseconds. */
const HEADERS_TIMEOUT = 10_000

export interface PeerServer {
  /** Sends every peer what is published now. */
  push(): void
  close(): Promise<void>
}

/**
 * Serves peers on a socket that every process of this machine may connect to, because connecting gives no right: who speaks
 * for an instance signs, and what is sent is signed and for everyone to read.
 *
 *     POST /stream                      JSON lines, both ways (`protocol/stream.ts`)
 *     GET  /sections/DIGEST[?base=…]    a section, or its difference from one that the peer has
 */
export async function servePeers(
  streaming: Omit<Streaming, 'published'>,
  socket: string,
): Promise<PeerServer> {
  const peerServer = new HttpPeerServer(streaming)
  await listenOnSocket(peerServer.server, socket)
  chmodSync(socket, 0o666)
  streaming.peers.opened()
  return peerServer
}

class HttpPeerServer implements PeerServer {
  readonly server: Server
  readonly #streaming: Streaming
  #publication: Publication
  readonly #streams = new Set<PeerStream>()
  readonly #differences = new DifferenceCache()

  constructor(streaming: Omit<Streaming, 'published'>) {
    this.#publication = publicationOf(streaming.store)
    this.#streaming = { ...streaming, published: () => this.#publication }
    // A stream is one request that never ends: only its headers have a time limit.
    this.server = createServer({ requestTimeout: 0, headersTimeout: HEADERS_TIMEOUT }, (request, response) =>
      this.#answer(request, response),
    )
    this.server.maxConnections = MAX_CONNECTIONS
  }

  push(): void {
    this.#publication = publicationOf(this.#streaming.store)
    for (const stream of this.#streams) stream.push()
  }

  close(): Promise<void> {
    this.#streaming.peers.closed()
    return new Promise((resolve) => {
      this.server.close(() => resolve())
      this.server.closeAllConnections()
    })
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    response.on('error', () => {})
    const { pathname, searchParams } = URL.parse(request.url ?? '/', 'http://authority') ?? nowhere
    const digest = /^\/sections\/([0-9a-f]{64})$/.exec(pathname)?.[1]
    if (request.method === 'POST' && pathname === '/stream') this.#stream(request, response)
    else if (request.method === 'GET' && digest !== undefined)
      this.#section(response, digest, searchParams.get('base') ?? undefined)
    else response.writeHead(404).end()
  }

  #stream(request: IncomingMessage, response: ServerResponse): void {
    const stream = new PeerStream(this.#streaming, response)
    this.#streams.add(stream)
    stream.run(request).finally(() => this.#streams.delete(stream))
  }

  #section(response: ServerResponse, digest: string, base: string | undefined): void {
    const { store } = this.#streaming
    const section = store.section(digest)
    if (section === undefined) {
      response.writeHead(404).end()
      return
    }
    const before = base === undefined ? undefined : store.section(base)
    const difference = before && this.#differences.of(`${base} ${digest}`, before, section)
    const headers = { 'content-type': 'application/json', ...(difference && { 'difference-of': base }) }
    response.writeHead(200, headers).end(difference ?? section)
  }
}

const nowhere = new URL('http://authority/')

/** Every peer asks for the same few. */
class DifferenceCache {
  readonly #differences = new Map<string, Uint8Array | undefined>()

  of(key: string, base: Uint8Array, next: Uint8Array): Uint8Array | undefined {
    if (!this.#differences.has(key)) {
      if (this.#differences.size >= 8) this.#differences.clear()
      this.#differences.set(key, sectionDifference(base, next))
    }
    return this.#differences.get(key)
  }
}
