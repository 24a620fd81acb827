import type { AddressInfo, Socket } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import { encodePem, endOf } from '@datapunk/pki'
import {
  type AuthorityAddress,
  addressText,
  LONGEST_SILENCE,
  remoteText,
  strictTls,
} from '@datapunk/protocol'
import type { Engine } from '../engine/engine.ts'
import { AuthorityError } from '../error.ts'
import { type Caller, CallerRefused, judgeCaller, judgeLeaf } from './caller.ts'
import { EventBudget } from './event-budget.ts'
import { KnownCallers } from './known-callers.ts'
import { shareOfFiles } from './open-files.ts'
import { Strangers } from './strangers.ts'

export interface TlsDoorOptions
  extends Pick<Engine, 'store' | 'clock' | 'randomBytes' | 'report' | 'ownPair'> {
  readonly maxConnections: number
  /** As `Strangers` takes it; for tests. */
  readonly maxStrangers?: number | undefined
  /** Of one instance; for tests. Default: an eighth of the files that this process may open. */
  readonly maxOfOne?: number | undefined
  /** Given every connection that passed, before anything was read from it. */
  readonly admit: (socket: TLSSocket) => void
}

/** Who connects and shakes no hands is let go. Milliseconds. */
const HANDSHAKE_TIMEOUT = 10_000

/** What takes his CA from a caller is on its way to him; so long he may read it. Milliseconds. */
const LAST_WORDS = 5_000

/** A stream for each process of an instance, and what it fetches beside it. */
const MOST_OF_ONE = { fewest: 64, most: 512 }

/** How long a connection may outlast its certificate. Milliseconds. */
const SWEEP_EVERY = 1000

/**
 * Where peers on other hosts come in: mutual TLS, with a verdict on every connection before anything is read from it. Whoever
 * is refused is closed without a word, and leaves one event.
 */
export class TlsDoor {
  readonly #options: TlsDoorOptions
  readonly #server: Server
  /** Whoever shakes hands, and whoever was let in and has to say a hello. */
  readonly strangers: Strangers
  /** All of TCP, by the other end. */
  readonly #sockets = new Map<string, Socket>()
  readonly #callers = new Map<TLSSocket, Caller>()
  readonly #leaving = new Set<TLSSocket>()
  readonly #events: EventBudget
  readonly #mostOfOne: number
  readonly #sweep: NodeJS.Timeout
  #known: KnownCallers
  #context = ''

  constructor(options: TlsDoorOptions) {
    this.#options = options
    this.#events = new EventBudget(options.clock)
    this.#known = new KnownCallers(options.store)
    this.strangers = new Strangers(options.clock, options.maxStrangers)
    this.#mostOfOne = options.maxOfOne ?? shareOfFiles(1 / 8, MOST_OF_ONE)
    const server = createServer({
      ...strictTls,
      // OpenSSL only asks: Node would close whoever it refuses without a trace.
      requestCert: true,
      rejectUnauthorized: false,
      handshakeTimeout: HANDSHAKE_TIMEOUT,
      ALPNProtocols: ['http/1.1'],
      keepAlive: true,
      keepAliveInitialDelay: SWEEP_EVERY * 10,
    })
    server.maxConnections = options.maxConnections
    server.on('connection', (socket) => this.#track(socket))
    server.on('secureConnection', (socket) => this.#judge(socket))
    server.on('tlsClientError', (error, socket) => this.#failed(error, socket))
    this.#server = server
    this.#useContext()
    options.ownPair.serve(() => this.#useContext())
    this.#sweep = setInterval(() => this.#endExpired(), SWEEP_EVERY).unref()
  }

  /** @throws AuthorityError `LISTEN_FAILED` */
  listen({ host, port }: AuthorityAddress): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const fail = (cause: NodeJS.ErrnoException) => reject(listenFailed({ host, port }, cause))
    this.#server.once('error', fail)
    this.#server.listen({ host, port }, () => {
      this.#server.off('error', fail)
      // A connection that could not be accepted, for want of files, is not the end of all the others.
      this.#server.on('error', () => {})
      resolve()
    })
    return promise
  }

  /** Where it listens, once it does. */
  get address(): AddressInfo | undefined {
    const address = this.#server.address()
    return address === null || typeof address === 'string' ? undefined : address
  }

  /** Who is at the other end; undefined for what did not come in here. */
  callerOf(socket: Socket): Caller | undefined {
    return this.#callers.get(socket as TLSSocket)
  }

  /** Something was published, and is on its way to whoever was told: CAs and members may be others. */
  refresh(): void {
    this.#known = new KnownCallers(this.#options.store, this.#known)
    this.#useContext()
    for (const [socket, { leaf }] of this.#callers) {
      if (this.#leaving.has(socket)) continue
      const verdict = this.#verdict((now) => judgeLeaf(leaf, this.#known, now))
      if (!(verdict instanceof CallerRefused)) continue
      this.#tell(verdict, remoteText(socket))
      if (verdict.rule === 'NOT_A_MEMBER') socket.destroy()
      else this.#letGo(socket)
    }
  }

  close(): Promise<void> {
    clearInterval(this.#sweep)
    return new Promise((resolve) => {
      this.#server.close(() => resolve())
      for (const socket of [...this.#callers.keys(), ...this.#sockets.values()]) socket.destroy()
    })
  }

  #letGo(socket: TLSSocket): void {
    this.#leaving.add(socket)
    const timer = setTimeout(() => socket.destroy(), LAST_WORDS).unref()
    socket.once('close', () => {
      clearTimeout(timer)
      this.#leaving.delete(socket)
    })
  }

  #track(socket: Socket): void {
    const remote = remoteText(socket)
    if (remote === undefined) {
      socket.destroy()
      return
    }
    this.#sockets.set(remote, socket)
    socket.once('close', () => {
      if (this.#sockets.get(remote) === socket) this.#sockets.delete(remote)
    })
    this.strangers.enter(socket)
  }

  /** Synchronous from the end of the handshake to the first listener of HTTP. */
  #judge(socket: TLSSocket): void {
    socket.on('error', () => {})
    const shown = {
      leaf: socket.getPeerX509Certificate()?.raw,
      openssl: socket.authorized ? undefined : String(socket.authorizationError),
    }
    const verdict = this.#verdict((now) => this.#oneOfFew(judgeCaller(shown, this.#known, now)))
    if (verdict instanceof CallerRefused) {
      this.#tell(verdict, remoteText(socket))
      socket.destroy()
      return
    }
    const below = this.#sockets.get(remoteText(socket) ?? '')
    if (below !== undefined) this.strangers.known(below)
    this.#callers.set(socket, verdict)
    socket.once('close', () => this.#callers.delete(socket))
    // Over TCP the other end can be gone without a word.
    socket.setTimeout(LONGEST_SILENCE, () => socket.destroy())
    this.#options.admit(socket)
  }

  /** Whoever holds the key of one instance, its thief too, keeps nobody else out. */
  #oneOfFew(caller: Caller): Caller {
    let open = 0
    for (const { instance } of this.#callers.values()) if (instance === caller.instance) open++
    if (open < this.#mostOfOne) return caller
    throw new CallerRefused(
      'TOO_MANY_CONNECTIONS',
      `found one more connection of ${caller.instance}; allowed: ${this.#mostOfOne} at once`,
      caller.leaf,
    )
  }

  /** What can't be judged is refused. */
  #verdict(judge: (now: number) => Caller): Caller | CallerRefused {
    try {
      return judge(this.#options.clock())
    } catch (error) {
      if (error instanceof CallerRefused) return error
      return new CallerRefused('CHECK_FAILED', `the check itself failed: ${error}`, undefined, error)
    }
  }

  #endExpired(): void {
    const now = this.#options.clock()
    for (const [socket, { notAfter }] of this.#callers) {
      if (now >= endOf(notAfter)) socket.destroy()
    }
  }

  /** A connection that was just closed, as port scans and health checks do, is no news; nor is one we had no pair for yet. */
  #failed(error: Error, socket: TLSSocket): void {
    if (this.#options.ownPair.served === undefined) return
    const { code = '', reason } = error as { code?: string; reason?: string }
    if (!code.startsWith('ERR_SSL_')) return
    const message = `found a caller that can't complete a handshake (${reason ?? code}); allowed: TLS 1.3`
    this.#tell(new CallerRefused('TLS_HANDSHAKE_FAILED', message), remoteText(socket))
  }

  /** Strangers can't fill the log. */
  #tell({ rule, message, serial }: CallerRefused, remote: string | undefined): void {
    if (!this.#events.take('')) return
    const { report, clock } = this.#options
    const detail = { code: rule, error: message, serial, remote }
    report({ kind: 'peer-refused', subject: 'mesh', at: clock(), detail })
  }

  /** New handshakes use it at once. Ticket keys are new each time, and nobody is given a ticket. */
  #useContext(): void {
    const { ownPair, randomBytes } = this.#options
    const { roots, issuingCas } = this.#known.trusted
    const ca = [...roots, ...issuingCas].map(({ der }) => encodePem('CERTIFICATE', der)).join('')
    const { served } = ownPair
    const context = `${served?.serial} ${ca}`
    if (context === this.#context) return
    this.#context = context
    this.#server.setSecureContext({
      ...strictTls,
      // An empty list would mean the CAs of the web.
      ca: ca === '' ? [] : ca,
      ...(served && { cert: served.certificate, key: served.key }),
      ticketKeys: Buffer.from(randomBytes(48)),
      sessionIdContext: Buffer.from(randomBytes(16)).toString('hex'),
    })
  }
}

function listenFailed({ host, port }: AuthorityAddress, cause: NodeJS.ErrnoException): AuthorityError {
  const found = REASONS[cause.code ?? ''] ?? cause.message
  return new AuthorityError(
    'LISTEN_FAILED',
    `found that the authority can't listen at ${addressText(host, port)}: ${found}; allowed: an address of this machine and a port that nobody has: change authority.listen, or see with \`ss -ltnp\` who has it`,
    { cause, data: { host, port, code: cause.code } },
  )
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process listens there',
  EADDRNOTAVAIL: 'this machine has no such address',
  EACCES: 'ports under 1024 are for root',
  ENOTFOUND: 'the name is not known to DNS',
}
