import { AsyncLocalStorage } from 'node:async_hooks'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ServerHttp2Session } from 'node:http2'
import { Server as HttpsServer } from 'node:https'
import type { Server, TLSSocket } from 'node:tls'
import type { Certificate } from '@datapunk/pki'
import { remoteText } from '@datapunk/protocol'
import { resetIfCutShort } from '../connections/cut-short.ts'
import { drainByAnswer, drainBySession, makeDrainable } from '../connections/drain.ts'
import { countRequest, countStreams, expectNoRequests, expectRequests } from '../connections/requests.ts'
import type { Core } from '../core.ts'
import { MeshError } from '../error.ts'
import type { Contact } from '../gate/gate.ts'
import { passPeerToStreams, setPeer } from '../gate/peer.ts'
import { serverContextOptions } from '../tls-profile.ts'
import type { ForbiddenAnswer } from './forbidden-answer.ts'
import { handshakeFailure } from './handshake-failure.ts'
import { HANDSHAKE_TIMEOUT } from './server.ts'

/** What node:tls keeps on a server and has no other way to set once the server is made. */
interface ServerInternals {
  requestCert: boolean
  rejectUnauthorized: boolean
  ALPNProtocols?: unknown
  ALPNCallback?: ((offer: unknown) => string | undefined) | undefined
  _contexts?: readonly unknown[]
}

type GiveStaple = (error: null, staple: Buffer | null) => void

/**
 * The certificate that a connection's handshake is made with. Node asks for the staple of the newest one of the server,
 * and does not say for which socket: one that was there before a rotation would get the staple of another certificate.
 */
const shown = new AsyncLocalStorage<Certificate>()

/** Servers behind a gate. */
const guarded = new WeakSet<Server>()

type Emit = (event: string | symbol, ...args: unknown[]) => boolean

/**
 * Puts the gate in front of a server. What Node emits when a handshake is done goes through the gate before it reaches
 * any listener, whoever added it and whenever; a refused socket reaches none.
 *
 * @throws MeshError `SERVER_LISTENING`, `SERVER_UNGUARDABLE`
 */
export function guard(server: Server, core: Core, forbidden: ForbiddenAnswer): void {
  refuseUnguardable(server)
  askForCertificates(server)
  hurryHandshakes(server)
  const { setSecureContext, listenerCount } = server
  const own = Object.hasOwn(server, 'emit') ? (server.emit as Emit) : undefined
  // Looked up each time, so that what others put on the prototype later (tracing does) still hears.
  const deliver: Emit = (event, ...args) =>
    (own ?? (Object.getPrototypeOf(server).emit as Emit)).call(server, event, ...args)
  let version = 0
  let leaf: Certificate

  const useCurrentContext = () => {
    const current = core.source.current()
    if (current.version === version) return
    version = current.version
    leaf = current.identity.leaf
    setSecureContext.call(server, serverContextOptions(current, core.random))
  }
  const emit: Emit = (event, ...args) => {
    switch (event) {
      case 'connection':
        useCurrentContext()
        return shown.run(leaf, () => deliver(event, ...args))
      case 'OCSPRequest':
        giveStaple(core, args[2] as GiveStaple)
        return true
      case 'secureConnection':
        return admit(args[0] as TLSSocket, server, core, forbidden, () => deliver(event, ...args))
      case 'session':
        passPeerToStreams(args[0] as ServerHttp2Session)
        drainBySession(args[0] as ServerHttp2Session)
        countStreams(args[0] as ServerHttp2Session)
        return deliver(event, ...args)
      case 'request':
      case 'checkContinue':
      case 'checkExpectation':
        if (isHttp1(args[0])) hearRequest(args[0], args[1] as ServerResponse)
        return deliver(event, ...args)
      case 'upgrade':
      case 'connect':
        if (isHttp1(args[0])) expectNoRequests(args[0].socket)
        return deliver(event, ...args)
      case 'tlsClientError':
        reportHandshakeFailure(core, args[0], args[1] as TLSSocket)
        return deliver(event, ...args)
      default:
        return deliver(event, ...args)
    }
  }
  useCurrentContext()
  guarded.add(server)
  fix(server, 'emit', emit)
  // Node asks only where somebody listens; the gate does, whatever listeners are added or removed.
  fix(server, 'listenerCount', (event: string | symbol, ...rest: []) =>
    event === 'OCSPRequest' ? 1 : listenerCount.call(server, event, ...rest),
  )
  fix(server, 'setSecureContext', () => closed('setSecureContext'))
  fix(server, 'addContext', () => closed('addContext'))
  fix(server, 'setTicketKeys', () => closed('setTicketKeys'))
  // How node:cluster would give the ticket keys of one worker to the primary, and from there to all others.
  fix(server, '_getServerData', () => ({}))
  fix(server, '_setServerData', () => {})
}

/** The verdict, carried out: synchronous from the end of the handshake to the first listener. */
function admit(
  socket: TLSSocket,
  server: Server,
  core: Core,
  forbidden: ForbiddenAnswer,
  deliver: () => boolean,
): boolean {
  const contact = incoming(socket)
  const verdict = core.gate.judge(contact)
  if ('refusal' in verdict) {
    const { refusal } = verdict
    if (refusal.rule === 'CALLER_NOT_ALLOWED' && mayAnswer(server, socket)) forbidden.give(socket, refusal)
    else {
      // Nobody is told why. But many a client takes a plain close for the end of an answer, and so a refusal for an empty one.
      resetIfCutShort(socket)
      socket.destroy()
    }
    core.refused(refusal)
    return true
  }
  const { standing } = verdict
  const connection = { socket, contact: { ...contact, leaf: standing.presented }, standing }
  setPeer(socket, standing.peer)
  makeDrainable(socket)
  if (speaksHttp(server)) expectRequests(socket)
  core.connections.add(connection)
  socket.disableRenegotiation()
  const delivered = deliver()
  core.accepted(connection)
  return delivered
}

/** At once, and never with an error, which would end the handshake. */
function giveStaple(core: Core, give: GiveStaple): void {
  const leaf = shown.getStore()
  give(null, (leaf && core.stapleOf(leaf)) ?? null)
}

function incoming(socket: TLSSocket): Contact {
  return {
    direction: 'in',
    // getPeerCertificate() would take the whole chain apart in JavaScript: 10 times the price.
    leaf: socket.getPeerX509Certificate(),
    openssl: socket.authorized ? undefined : String(socket.authorizationError),
    remote: () => remoteText(socket),
  }
}

/** Node would close without a trace where it refuses by itself, so it only asks; the gate refuses. */
function askForCertificates(server: Server): void {
  const internals = server as unknown as ServerInternals
  internals.requestCert = true
  internals.rejectUnauthorized = false
  // A server that knows no protocol names agrees to none (RFC 7301 3.2), lest it be taken for another (ALPACA).
  internals.ALPNCallback ??= internals.ALPNProtocols === undefined ? () => undefined : undefined
}

/** Node's own timeout, which is most likely nobody's choice. */
const NODE_HANDSHAKE_TIMEOUT = 120_000

function hurryHandshakes(server: Server): void {
  const internals = server as unknown as Record<symbol, unknown>
  const timeout = symbolOf(server, 'handshake-timeout')
  if (timeout !== undefined && internals[timeout] === NODE_HANDSHAKE_TIMEOUT)
    internals[timeout] = HANDSHAKE_TIMEOUT
}

/** Where node:tls keeps an option. */
function symbolOf(server: Server, description: string): symbol | undefined {
  return Object.getOwnPropertySymbols(server).find((symbol) => symbol.description === description)
}

function refuseUnguardable(server: Server): void {
  if (server.listening) {
    throw new MeshError(
      'SERVER_LISTENING',
      'found a server that listens already, and may have answered; allowed: mesh.protect(server) before server.listen()',
    )
  }
  if (typeof (server as Partial<Server>).setSecureContext !== 'function') {
    throw new MeshError(
      'SERVER_UNGUARDABLE',
      'found a server that speaks no TLS; allowed: one of node:https, node:tls or createSecureServer of node:http2, or whatever mesh.createServer(handler) makes: `Fastify({ serverFactory: (handler) => mesh.createServer(handler) })`',
    )
  }
  if (guarded.has(server)) {
    throw new MeshError(
      'SERVER_UNGUARDABLE',
      'found a server that is guarded already; allowed: mesh.protect(server) once, and not at all for what mesh.createServer made: leave it out',
    )
  }
  const internals = server as unknown as ServerInternals & Record<symbol, unknown>
  const sni = symbolOf(server, 'snicallback')
  if ((sni !== undefined && internals[sni] !== undefined) || (internals._contexts?.length ?? 0) > 0) {
    throw new MeshError(
      'SERVER_UNGUARDABLE',
      'found a server with SNICallback or addContext, whose handshakes would be made with another certificate and other ticket keys; allowed: the mesh gives the only context: leave them out',
    )
  }
}

function hearRequest(request: IncomingMessage, response: ServerResponse): void {
  drainByAnswer(request, response)
  countRequest(request.socket, response)
}

/** Requests of HTTP/2 have a stream. */
function isHttp1(request: unknown): request is IncomingMessage {
  return (request as { stream?: unknown }).stream === undefined
}

/** A member deserves an answer, where the two have agreed on HTTP, or nothing else is spoken here. */
function mayAnswer(server: Server, { alpnProtocol }: TLSSocket): boolean {
  return speaksHttp(server) || alpnProtocol === 'h2' || alpnProtocol === 'http/1.1'
}

function speaksHttp(server: Server): boolean {
  return server instanceof HttpsServer || 'updateSettings' in server
}

function reportHandshakeFailure(core: Core, error: unknown, socket: TLSSocket): void {
  const refusal = handshakeFailure(error, core.source.current().view, core.clock.now(), remoteText(socket))
  if (refusal !== undefined) core.refused(refusal)
}

function fix(server: Server, name: string, value: unknown): void {
  Object.defineProperty(server, name, { value, writable: false, configurable: false, enumerable: false })
}

function closed(method: string): never {
  throw new TypeError(
    `${method} on a server of the mesh: its certificate, trust and ticket keys are the mesh's to set`,
  )
}
