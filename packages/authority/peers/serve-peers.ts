import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname } from 'node:path'
import { TLSSocket } from 'node:tls'
import { type Address, answerInTurn, encodeMessage, LONGEST_SILENCE } from '@datapunk/protocol'
import type { Engine } from '../engine/engine.ts'
import { giveShelved, LogShelf, type ReadElsewhere } from '../responder/log-shelf.ts'
import { endAll } from '../sockets/end-all.ts'
import { ServedSocket, type ServedSocketOptions } from '../sockets/served-socket.ts'
import { AcknowledgementLog } from './acknowledgement-log.ts'
import { announcementOf, type Published } from './announcement.ts'
import { DifferenceCache } from './difference-cache.ts'
import { EventBudget } from './event-budget.ts'
import { InstanceStreams } from './instance-streams.ts'
import { shareOfFiles } from './open-files.ts'
import { PeerStream, type Streaming } from './peer-stream.ts'
import { type Publication, publicationOf, sectionRefs } from './publication.ts'
import { Strangers } from './strangers.ts'
import { TlsDoor } from './tls-door.ts'

/** Far more than one authority is meant for, and at most three quarters of its files: the inventory and the logs need some too. */
const MAX_CONNECTIONS = { fewest: 256, most: 16_384 }

/** Who connects and says nothing is let go. Milliseconds. */
const HEADERS_TIMEOUT = 10_000

export interface PeerServer {
  /** Sends every peer what is published now. */
  push(): void
  /** Where peers on other hosts come in. */
  readonly address: AddressInfo | undefined
  close(): Promise<void>
}

export interface PeerPlaces {
  /** `mesh.sock`. */
  readonly socket: string
  /** `authority.listen`. */
  readonly listen: Address | undefined
  /** As `Strangers` takes it; for tests. */
  readonly maxStrangers?: number | undefined
  /** As `InstanceStreams` takes it; for tests. */
  readonly maxStreams?: number | undefined
  /** Throws where the socket may be another authority’s. */
  readonly checkPlace: () => void
  /** Called when the socket was gone, and was made again. */
  readonly onRenewed?: () => void
}

/**
 * Serves peers on a socket that every process of this machine may connect to, because connecting gives no right: who speaks
 * for an instance signs, and what is sent is signed and for everyone to read.
 *
 *     POST /stream                      JSON lines, both ways (`protocol/stream.ts`)
 *     GET  /documents                   JSON lines: every trust statement, then the newest head
 *     GET  /sections/DIGEST[?base=…]    a section, or its difference from one that the peer has
 *     GET  /staples/SERIAL              an OCSP answer about a certificate of this mesh
 *     GET  /log/…                       the transparency logs (`responder/log-shelf.ts`)
 *
 * Peers on other hosts reach the same by mutual TLS, where `authority.listen` says so (`tls-door.ts`).
 *
 * @throws AuthorityError `DISK_FAILED`, `LISTEN_FAILED`
 */
export async function servePeers(streaming: Serving, places: PeerPlaces): Promise<PeerServer> {
  const peerServer = new HttpPeerServer(streaming, places)
  try {
    await peerServer.listen(socketOf(streaming, places), places.listen)
  } catch (error) {
    await peerServer.close()
    throw error
  }
  streaming.peers.opened()
  return peerServer
}

type Serving = Omit<Streaming, 'published' | 'acknowledgements' | 'events' | 'streams'> &
  Pick<Engine, 'config' | 'disk' | 'layout' | 'ownPair'> & {
    readonly readElsewhere: ReadElsewhere | undefined
  }

function socketOf(
  { disk, report, clock }: Serving,
  { socket: path, checkPlace, onRenewed }: PeerPlaces,
): ServedSocketOptions {
  return {
    path,
    mode: 0o666,
    prepare: () => {
      checkPlace()
      disk.ensureFolder(dirname(path), 0o755)
    },
    told: (happening) => {
      report({ ...happening, subject: 'authority', at: clock() })
      if (happening.kind === 'socket-renewed') onRenewed?.()
    },
  }
}

class HttpPeerServer implements PeerServer {
  readonly #server: Server
  #socket: ServedSocket | undefined
  readonly #door: TlsDoor | undefined
  readonly #streaming: Streaming
  #publication: Published
  readonly #streams = new Set<PeerStream>()
  readonly #differences = new DifferenceCache()
  readonly #acknowledgements: AcknowledgementLog
  readonly #logs: LogShelf
  /** At the socket; the door has its own. */
  readonly #strangers: Strangers

  constructor(streaming: Serving, { listen, maxStrangers, maxStreams }: PeerPlaces) {
    this.#publication = this.#read(streaming.store)
    this.#acknowledgements = new AcknowledgementLog(streaming)
    const { store, layout, config, readElsewhere } = streaming
    this.#logs = new LogShelf({ store, layout, readElsewhere, publicUrl: config.authority.publicUrl })
    this.#streaming = {
      ...streaming,
      published: () => this.#publication,
      acknowledgements: this.#acknowledgements,
      events: new EventBudget(streaming.clock),
      streams: new InstanceStreams(maxStreams),
    }
    // A stream is one request that never ends: only its headers have a time limit here, and its hello one of its own.
    const limits = {
      requestTimeout: 0,
      headersTimeout: HEADERS_TIMEOUT,
      connectionsCheckingInterval: HEADERS_TIMEOUT / 2,
    }
    const answer = answerInTurn((request, response) => this.#answer(request, response), {
      unreadFor: LONGEST_SILENCE,
    })
    const maxConnections = shareOfFiles(3 / 4, MAX_CONNECTIONS)
    this.#server = createServer(limits, answer)
    this.#server.maxConnections = maxConnections
    this.#strangers = new Strangers(streaming.clock, maxStrangers)
    this.#server.on('connection', (socket) => {
      if (!(socket instanceof TLSSocket)) this.#strangers.enter(socket)
    })
    const admit = (socket: TLSSocket) => this.#server.emit('connection', socket)
    this.#door = listen ? new TlsDoor({ ...streaming, maxConnections, maxStrangers, admit }) : undefined
  }

  async listen(socket: ServedSocketOptions, listen: Address | undefined): Promise<void> {
    this.#socket = await ServedSocket.open(this.#server, socket)
    if (listen?.port !== undefined) await this.#door?.listen({ host: listen.host, port: listen.port })
  }

  get address(): AddressInfo | undefined {
    return this.#door?.address
  }

  push(): void {
    this.#publication = this.#read(this.#streaming.store, this.#publication)
    for (const stream of this.#streams) stream.push()
    this.#door?.refresh()
  }

  close(): Promise<void> {
    return endAll([
      () => this.#streaming.peers.closed(),
      () => this.#door?.close(),
      () => this.#socket?.close(),
      () => this.#acknowledgements.write(),
    ])
  }

  #read(store: Streaming['store'], before?: Publication): Published {
    const now = publicationOf(store)
    return { ...now, announcement: announcementOf(now, before, this.#differences) }
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    response.on('error', () => {})
    // Nobody gets here by TLS without a verdict, nor after it was taken back.
    if (request.socket instanceof TLSSocket && this.#door?.callerOf(request.socket) === undefined) {
      request.socket.destroy()
      return
    }
    const { pathname, searchParams } = URL.parse(request.url ?? '/', 'http://authority') ?? nowhere
    const serial = /^\/staples\/([0-9a-f]{1,40})$/.exec(pathname)?.[1]
    const digest = /^\/sections\/([0-9a-f]{64})$/.exec(pathname)?.[1]
    if (request.method === 'POST' && pathname === '/stream') {
      this.#stream(request, response)
      return
    }
    this.#strangers.served(request.socket)
    request.socket.setTimeout(LONGEST_SILENCE)
    if (request.method === 'GET' && pathname === '/documents') this.#documents(response)
    else if (request.method === 'GET' && pathname.startsWith('/log/')) void this.#log(response, pathname)
    else if (request.method === 'GET' && serial !== undefined) void this.#staple(response, serial)
    else if (request.method === 'GET' && digest !== undefined)
      this.#section(response, digest, searchParams.get('base') ?? undefined)
    else response.writeHead(404).end()
  }

  #stream(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request
    const shown = this.#door?.callerOf(socket)?.instance
    const strangers = shown === undefined ? this.#strangers : this.#door!.strangers
    strangers.enter(socket)
    const known = () => strangers.known(socket)
    const stream = new PeerStream(this.#streaming, response, { shown, known })
    this.#streams.add(stream)
    void stream.run(request).finally(() => this.#streams.delete(stream))
  }

  /** For whoever has none yet to begin with. */
  #documents(response: ServerResponse): void {
    const { trustStatements, bundle } = this.#publication
    response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    for (const { bytes } of trustStatements)
      response.write(encodeMessage({ type: 'trust-statement', document: bytes }))
    response.end(bundle && encodeMessage({ type: 'head', document: bundle.head }))
  }

  async #staple(response: ServerResponse, serial: string): Promise<void> {
    const der = await this.#streaming.staple(serial)
    if (der === undefined) response.writeHead(404).end()
    else response.writeHead(200, { 'content-type': 'application/ocsp-response' }).end(der)
  }

  async #log(response: ServerResponse, path: string): Promise<void> {
    try {
      giveShelved(response, await this.#logs.find(path))
    } catch {
      response.writeHead(500).end()
    }
  }

  #section(response: ServerResponse, digest: string, base: string | undefined): void {
    const { store } = this.#streaming
    const section = this.#publication.sections.get(digest) ?? store.section(digest)
    if (section === undefined) {
      response.writeHead(404).end()
      return
    }
    const kind = sectionRefs(this.#publication).find((ref) => ref.digest === digest)?.kind
    const difference =
      base === undefined || kind === undefined
        ? undefined
        : this.#differences.of({ kind, from: base, to: digest }, () => store.section(base), section)
    const headers = {
      'content-type': 'application/octet-stream',
      ...(difference && { 'difference-of': base }),
    }
    response.writeHead(200, headers).end(difference ?? section)
  }
}

const nowhere = new URL('http://authority/')
