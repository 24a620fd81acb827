import { EventEmitter } from 'node:events'
import type { RequestListener } from 'node:http'
import type { Http2SecureServer, Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { Server as HttpsServer } from 'node:https'
import type { TLSSocket, Server as TlsServer } from 'node:tls'
import { endOf } from '@datapunk/pki'
import type { Address } from '@datapunk/protocol'
import { FormData, fetch, Request, type RequestInfo, type RequestInit, type Response } from 'undici'
import { AuthorityRoute } from './authority/authority-route.ts'
import { MeshAgent } from './client/agent.ts'
import { Client, type ConnectOptions, left } from './client/client.ts'
import { MeshDispatcher } from './client/dispatcher.ts'
import { toOneMember } from './client/one-member.ts'
import type { Clock } from './clock.ts'
import { conditionOf } from './condition.ts'
import { Connections } from './connections/connections.ts'
import type { Core } from './core.ts'
import { MeshError, meshErrorWithin } from './error.ts'
import { Freshness } from './freshness.ts'
import type { Current } from './gate/current.ts'
import { type Contact, Gate, recordOf } from './gate/gate.ts'
import { type Peer, peerOf } from './gate/peer.ts'
import { RefusedCallers } from './gate/refused-callers.ts'
import type { Membership } from './membership/membership.ts'
import { PeerVoice } from './membership/peer-voice.ts'
import type { Condition, Counters, MeshEvents, Self } from './mesh-events.ts'
import type { OperatorPlace, OperatorPort } from './operator/operator-port.ts'
import { Tally } from './operator/tally.ts'
import type { Refused } from './refusal.ts'
import { type AuthorizeHandler, type Authorizer, authorize } from './server/authorize.ts'
import { ForbiddenAnswer } from './server/forbidden-answer.ts'
import { guard } from './server/guarded-server.ts'
import {
  type Http2ServerOptions,
  newHttp2Server,
  newHttpsServer,
  type ServerOptions,
} from './server/server.ts'
import { logReader } from './transparency/log-reader.ts'
import { LogWatch } from './transparency/log-watch.ts'
import { WitnessMemory } from './transparency/witness-memory.ts'

/** undici's, or Node's own, whose types are of the undici within it. */
type FetchOptions = (Omit<RequestInit, 'dispatcher'> | Omit<globalThis.RequestInit, 'dispatcher'>) &
  FetchTimeouts

/** What undici ends a call after, with an error of the code `UND_ERR_HEADERS_TIMEOUT` or `UND_ERR_BODY_TIMEOUT` as its `cause`. */
interface FetchTimeouts {
  /** Milliseconds from the request to the headers of its answer; 300,000 unless given, 0 for as long as it takes. */
  readonly headersTimeout?: number | undefined
  /** Milliseconds between two pieces of the answer's body; 300,000 unless given, 0 for as long as it takes. */
  readonly bodyTimeout?: number | undefined
}

type Http2Handler = (request: Http2ServerRequest, response: Http2ServerResponse) => void

/** A service in the mesh; made by `join`. Every connection it accepts or makes goes through one gate. */
export class Mesh extends EventEmitter<MeshEvents> {
  readonly self: Self
  readonly #membership: Membership
  readonly #connections: Connections
  readonly #gate: Gate
  readonly #client: Client
  readonly #forbidden: ForbiddenAnswer
  readonly #voice: PeerVoice
  readonly #freshness: Freshness
  readonly #logs: LogWatch
  readonly #core: Core
  readonly #clock: Clock
  readonly #tally = new Tally()
  readonly #refusedCallers = new RefusedCallers()
  readonly #operatorPorts: OperatorPort[] = []
  #agent: MeshAgent | undefined
  #dispatcher: MeshDispatcher | undefined
  #left = false
  #gone = Promise.resolve()

  /** Not for applications: `join` is. */
  constructor(membership: Membership, clock: Clock, random: (size: number) => Buffer) {
    super()
    this.#membership = membership
    this.#clock = clock
    this.#gate = new Gate(membership, clock)
    this.#connections = this.#makeConnections()
    this.#forbidden = new ForbiddenAnswer(clock)
    this.#core = this.#makeCore(random)
    this.#client = new Client(this.#core)
    this.self = selfOf(membership)
    this.#voice = this.#makeVoice(random)
    this.#logs = this.#watchLogs(clock, random)
    this.#freshness = new Freshness(clock, membership.clockSkew, {
      stale: () => this.#stale(false),
      expired: () => this.#expired(),
    })
    this.#freshness.watch(membership.current().view.bundle.head)
    membership.start(
      {
        changed: (now, before) => this.#changed(now, before),
        kept: () => void this.#voice.acknowledge(),
        problem: (problem) => {
          this.#voice.refused(problem)
          this.#problem(problem)
        },
        stirred: () => this.#voice.tryNow(),
      },
      this.#voice.fetchSection,
    )
    this.#logs.holds(membership.current().identity.leaf)
    this.#logs.follow(membership.current().view.trust.logs)
  }

  /**
   * An HTTPS server (HTTP/1.1; with `http2: true` HTTP/2 and HTTP/1.1) that only members can reach who may call this
   * service. Certificates, trust and ticket keys are the mesh's: there are no options for them.
   *
   * @throws TypeError for an option that is the mesh's to set
   * @throws MeshError `LEFT`
   */
  createServer(handler?: RequestListener): HttpsServer
  createServer(options: Http2ServerOptions, handler?: Http2Handler): Http2SecureServer
  createServer(options: ServerOptions, handler?: RequestListener): HttpsServer
  createServer(
    first?: ServerOptions | Http2ServerOptions | RequestListener,
    second?: RequestListener | Http2Handler,
  ): HttpsServer | Http2SecureServer {
    const options = typeof first === 'function' ? {} : (first ?? {})
    const handler = typeof first === 'function' ? first : second
    const server = options.http2
      ? newHttp2Server(options, handler as Http2Handler | undefined)
      : newHttpsServer(options as ServerOptions, handler as RequestListener | undefined)
    return this.protect(server)
  }

  /**
   * Puts the gate in front of a server of node:https, node:http2 (createSecureServer) or node:tls that does not listen yet.
   * Whatever certificate, trust and ticket keys it had are replaced; a handshake may take ten seconds, unless its own
   * `handshakeTimeout` says otherwise.
   *
   * @returns the same server
   * @throws MeshError `SERVER_LISTENING`, `SERVER_UNGUARDABLE`, `LEFT`
   */
  protect<S extends TlsServer>(server: S): S {
    if (this.#left) throw left()
    guard(server, this.#core, this.#forbidden)
    return server
  }

  /**
   * Who is at the other end.
   *
   * @param source a TLSSocket, a request of node:https, node:http2, Express or Fastify, or a stream or session of node:http2
   * @throws MeshError `PEER_UNKNOWN` for whatever did not come through the gate
   */
  peer(source: object): Peer {
    return peerOf(source)
  }

  /**
   * An Express middleware and Fastify `onRequest` hook that lets only these callers on; others get 403.
   *
   * @param allow service names or SPIFFE IDs, or a function; `anyone()` for every member
   */
  authorize(allow: readonly string[] | Authorizer): AuthorizeHandler {
    return authorize(allow)
  }

  /**
   * A TLS connection to a member. The promise is fulfilled when the member's certificate has passed the gate. In TLS 1.3
   * the server may still refuse: the socket then ends with a MeshError `PEER_REFUSED`.
   *
   * @throws MeshError `NAME_UNKNOWN`, `PEER_UNREACHABLE`, `SERVER_REFUSED`, `PEER_REFUSED`, `CONNECT_TIMEOUT`, …
   * @throws TypeError for a timeout that no timer can hold
   */
  connect(options: ConnectOptions): Promise<TLSSocket> {
    return this.#client.connect(options)
  }

  /**
   * `fetch` to members: `https://NAME/…`, NAME a DNS name or IP address of a member or its service name. Where the URL
   * names no port (or 443), the port of the member's `address` counts. Redirects are followed within that member; with
   * `redirect: 'follow'` in `init`, to any. An answer that takes its time, as of a long query, needs `headersTimeout`, and one that
   * falls silent in between, as of events, `bodyTimeout`.
   *
   * It may be handed on alone, as `{ fetch: mesh.fetch }`.
   *
   * @param input may be a Request of Node's, too, as `init.body` may be a FormData of Node's
   * @throws MeshError what stood in the way of the connection; `LEFT`; else as fetch
   */
  readonly fetch = async (
    input: RequestInfo | globalThis.Request,
    init?: FetchOptions,
  ): Promise<Response> => {
    if (this.#left) throw left()
    const { redirect, headersTimeout = null, bodyTimeout = null } = init ?? {}
    const timed = this.dispatcher.compose(
      (dispatch) => (options, handler) => dispatch({ ...options, headersTimeout, bodyTimeout }, handler),
    )
    const dispatcher =
      redirect === 'follow' ? timed : timed.compose(toOneMember((host) => this.#client.memberAt(host)))
    try {
      return await fetch(ownRequest(input), { ...(init as RequestInit), ...ownBody(init), dispatcher })
    } catch (error) {
      throw meshErrorWithin(error) ?? error
    }
  }

  /**
   * For `https.request` and the libraries on top of it. Those that follow redirects do so to any member: have them follow none
   * (`maxRedirects: 0`, `followRedirect: false`), or use `fetch`.
   */
  get agent(): MeshAgent {
    this.#agent ??= new MeshAgent(this.#client, this.#clock)
    return this.#agent
  }

  /**
   * For undici 8, Node 26's own `fetch`, and the libraries on top of them. Whoever follows redirects does so to any member, other than
   * `fetch` of the mesh.
   */
  get dispatcher(): MeshDispatcher {
    this.#dispatcher ??= new MeshDispatcher(this.#client)
    return this.#dispatcher
  }

  get counters(): Counters {
    return this.#tally.counters(this.#connections.size)
  }

  /** How it is now. Some signatures are checked for it, so it is for whoever asks a few times a second. */
  get condition(): Condition {
    const { renewAt } = this.#membership.settings
    return conditionOf(this.#membership.current(), this.#gate, { renewAt, heard: this.#voice.isHeard })
  }

  /**
   * Serves `/metrics`, `/healthz` and `/readyz` in plain HTTP, for whoever runs this service, until `leave`. Not for the
   * mesh: whoever reaches it reads it. It keeps no process alive.
   *
   * @param place loopback, and any port that is free, unless told
   * @throws MeshError `LISTEN_FAILED`, `LEFT`
   */
  async serveOperator(place: Partial<OperatorPlace> = {}): Promise<OperatorPlace> {
    const { serveOperator, meshSource } = await import('./operator/index.ts')
    const port = await serveOperator(meshSource(this, this.#clock), place)
    this.#operatorPorts.push(port)
    if (!this.#left) return port.place
    await port.close()
    throw new MeshError('LEFT', `${this.self.service} has left the mesh; allowed: serveOperator before leave`)
  }

  /** Looks at the files now rather than when they are seen to change; what is new and good holds afterwards. */
  refresh(): Promise<void> {
    return this.#membership.refresh()
  }

  /**
   * Stops watching, closes agents, ends every connection (nobody would end them in time any more), also one that is on its
   * way, and refuses new ones. To let requests finish first, close the servers before.
   */
  leave(): Promise<void> {
    if (!this.#left) {
      this.#left = true
      this.#gone = this.#end()
    }
    return this.#gone
  }

  /** `leave`, for `await using mesh = await join('lake')`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.leave()
  }

  async #end(): Promise<void> {
    const kept = Promise.all([this.#membership.stop(), this.#logs.stop()])
    this.#voice.leave()
    this.#freshness.stop()
    this.#gate.close()
    this.#client.leave()
    this.#agent?.destroy()
    await this.#dispatcher?.destroy(left())
    this.#forbidden.endAll()
    this.#connections.endAll()
    await Promise.all(this.#operatorPorts.map((port) => port.close()))
    await kept
  }

  #makeConnections(): Connections {
    return new Connections(this.#clock, {
      cut: ({ connection: { contact, standing }, remote, error }) => {
        this.#tally.cut()
        this.#voice.reportCuts()
        this.#tell('cut', { direction: contact.direction, peer: standing.peer, remote, error })
      },
      draining: ({ socket, contact, standing: { peer } }) => {
        if (this.listenerCount('draining') === 0) return
        const endsAt = endOf(peer.notAfter)
        this.#tell('draining', {
          ...{ direction: contact.direction, peer, remote: contact.remote() },
          ...{ socket, endsAt },
        })
      },
      othersChanged: () => this.#voice.reportSoon(),
      outgoingDrained: (sockets) => {
        this.#agent?.retire(sockets)
        this.#dispatcher?.startAnew()
      },
    })
  }

  #makeCore(random: (size: number) => Buffer): Core {
    return {
      source: this.#membership,
      gate: this.#gate,
      connections: this.#connections,
      stapleOf: (leaf) => this.#membership.stapleOf(leaf),
      clock: this.#clock,
      random,
      accepted: ({ socket, contact, standing }) => {
        this.#tally.accepted()
        for (const fault of standing.reported) this.#report(contact, fault)
        if (this.listenerCount('accepted') === 0) return
        this.#tell('accepted', {
          direction: contact.direction,
          peer: standing.peer,
          remote: contact.remote(),
          protocol: socket.getProtocol(),
          resumed: socket.isSessionReused(),
        })
      },
      refused: (refusal) => {
        this.#tally.refused(refusal.rule)
        if (refusal.direction === 'in') {
          this.#refusedCallers.add(refusal)
          this.#voice.reportSoon()
        }
        this.#tell('refused', refusal)
      },
    }
  }

  #makeVoice(random: (size: number) => Buffer): PeerVoice {
    const membership = this.#membership
    return new PeerVoice({
      ...{ place: () => membership.authority, clock: this.#clock, random },
      current: () => membership.current(),
      kept: () => membership.kept,
      report: () => {
        const { refused, reported } = this.counters
        const refusedLast = this.#refusedCallers.last
        return { ...this.#connections.counts(), refused, refusedLast, reported }
      },
      received: (document) => membership.offer(document),
      refused: this.#core.refused,
      failed: (error) => this.#problem(error),
      checkpoints: () =>
        [...this.#logs.witnesses].flatMap(({ log, checkpoint }) =>
          checkpoint ? [{ ...checkpoint, log }] : [],
        ),
    })
  }

  #watchLogs(clock: Clock, random: (size: number) => Buffer): LogWatch {
    const membership = this.#membership
    const place = () => membership.authority
    const current = () => membership.current()
    // Whoever answers in the authority's place is told of by the voice, which calls there too.
    const route = new AuthorityRoute({ place, current, clock, refused: () => {} })
    return new LogWatch({
      ...{ clock, random, logged: current().view.logged },
      read: logReader({ layout: membership.layout, route, clock }),
      memory: new WitnessMemory(membership.memoryFolder),
      ownNames: () => {
        const { self, selfName, bundle, service } = current().view
        return {
          spiffeId: selfName.spiffeId,
          dnsNames: self?.dnsNames ?? [],
          pins: bundle.pins?.of.get(service),
          isRevoked: (serial) => bundle.revoked.has(serial),
        }
      },
      alarm: (alarm) => {
        this.#voice.alarm(alarm)
        this.#tally.alarm(alarm.kind)
        this.#tell('alarm', alarm)
      },
      changed: () => {
        current().view.standings.forget()
        this.#connections.rejudge((contact) => this.#gate.judge(contact))
      },
    })
  }

  #report(contact: Contact, fault: Refused): void {
    const record = recordOf(contact, this.#membership.current().view, this.#core.clock.now(), fault)
    this.#tally.reported(record.rule)
    this.#tell('reported', record)
  }

  #problem(error: MeshError): void {
    this.#tally.problem(error.code)
    this.#tell('problem', error)
  }

  #changed(now: Current, before: Current): void {
    if (now.view !== before.view) this.#connections.rejudge((contact) => this.#gate.judge(contact))
    if (now.view !== before.view) this.#logs.follow(now.view.trust.logs)
    this.#connections.drainIssuedBy(now.view.bundle.draining)
    this.#agent?.closeOutdated()
    this.#dispatcher?.renew()
    if (now.identity.leaf.serial !== before.identity.leaf.serial) {
      const { leaf, notAfter, file } = now.identity
      this.#logs.holds(leaf)
      this.#tally.rotated()
      this.#tell('rotated', {
        from: before.identity.leaf.serial,
        to: leaf.serial,
        notBefore: leaf.notBefore,
        notAfter,
        file,
      })
    }
    const isRevoked = ({ identity, view }: Current) => view.bundle.revoked.has(identity.leaf.serial)
    if (isRevoked(now) && !isRevoked(before)) {
      this.#tell('revoked', { serial: now.identity.leaf.serial, bundle: now.view.bundle.head.number })
    }
    if (now.view.bundle !== before.view.bundle) this.#freshness.watch(now.view.bundle.head)
    this.#voice.changed()
    if (now.identity !== before.identity) this.#voice.report()
    if (now.view !== before.view) {
      this.#tell('updated', { bundle: now.view.bundle.head.number, trustStatement: now.view.trust.number })
    }
  }

  /** What a listener throws is thrown in a tick of its own: it must not keep the next connection from being cut, or a bundle from being enforced. */
  #tell<Event extends keyof MeshEvents>(event: Event, ...args: MeshEvents[Event]): void {
    try {
      ;(this as EventEmitter).emit(event, ...args)
    } catch (error) {
      process.nextTick(() => {
        throw error
      })
    }
  }

  /** Nobody knows any more who may be here: what is open ends as if it came now. */
  #expired(): void {
    this.#connections.rejudge((contact) => this.#gate.judge(contact))
    this.#stale(true)
  }

  #stale(expired: boolean): void {
    const { number, issuedAt, expiresAt } = this.#membership.current().view.bundle.head
    this.#tell('stale', { bundle: number, issuedAt, expiresAt, expired })
  }
}

/** Node has undici within it, whose requests are none to the one that is installed. */
function ownRequest(input: RequestInfo | globalThis.Request): RequestInfo {
  return input instanceof globalThis.Request ? new Request(input.url, input as unknown as RequestInit) : input
}

/** The same goes for its forms, which would be sent as `[object FormData]`. */
function ownBody(init: FetchOptions | undefined): Pick<RequestInit, 'body'> {
  const body: unknown = init?.body
  if (!(body instanceof globalThis.FormData)) return {}
  const form = new FormData()
  for (const [name, value] of body) form.append(name, value)
  return { body: form }
}

function selfOf(membership: Membership): Self {
  const { settings } = membership
  return {
    service: settings.service,
    name: settings.commonName,
    spiffeId: settings.spiffeId,
    get listen() {
      const { listen } = settings
      const address = settings.address ?? membership.current().view.self?.address
      return listenOptions(settings.service, listen, address)
    },
  }
}

function listenOptions(
  service: string,
  listen: Address | undefined,
  address: Address | undefined,
): Self['listen'] {
  const port = listen?.port ?? address?.port
  if (port !== undefined) return listen === undefined ? { port } : { host: listen.host, port }
  throw new MeshError(
    'NO_LISTEN_ADDRESS',
    `found no port to listen on for ${service}; allowed: one in services.${service}.listen or .address, as in "0.0.0.0:8443"`,
    { data: { service } },
  )
}
