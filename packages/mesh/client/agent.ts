import { AsyncLocalStorage } from 'node:async_hooks'
import type { ClientRequest } from 'node:http'
import { Agent, type AgentOptions } from 'node:https'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import type { Clock } from '../clock.ts'
import { MeshError } from '../error.ts'
import { type Client, DEFAULT_TIMEOUT } from './client.ts'
import { WaitingRequest } from './waiting-request.ts'

/** The port that Node fills in for https where none was given, so that the member's `address` may say another. */
const HTTPS_PORT = 443

/** Carries the request to where its connection is made. */
const asking = Symbol('asking')

interface CreateOptions {
  readonly host?: string | null | undefined
  readonly port?: number | string | null | undefined
  readonly socketPath?: string | undefined
  readonly timeout?: number | undefined
  readonly keepAlive?: boolean
  readonly keepAliveInitialDelay?: number
  readonly [asking]?: WaitingRequest
}

/** What node:http has in every agent, and doesn't show in its types. */
interface AgentInternals {
  addRequest(request: ClientRequest, options: CreateOptions): void
  readonly totalSocketCount: number
}

/**
 * An `https.Agent` whose connections go to members of the mesh, through the gate. A request is written only after the
 * verdict. Options of requests that concern certificates or names of TLS have no effect.
 */
export class MeshAgent extends Agent {
  readonly #client: Client
  readonly #clock: Clock
  readonly #versions = new WeakMap<Duplex, number>()
  readonly #retired = new WeakSet<Duplex>()
  /** Connections under way, which Node doesn't count, by the name of where they go. */
  readonly #underWay = new Map<string, number>()
  /** Requests that there is no room for yet: Node's own queue stands still when a connection fails. */
  readonly #queues = new Map<string, Set<() => void>>()

  constructor(
    client: Client,
    clock: Clock,
    options: Pick<AgentOptions, 'maxSockets' | 'maxFreeSockets' | 'scheduling'> = {},
  ) {
    super({ keepAlive: true, ...options })
    this.#client = client
    this.#clock = clock
    // Before Node's own listener, which would keep the socket for the next request.
    this.prependListener('free', (socket: Duplex) => {
      if (this.#isOutdated(socket)) socket.destroy()
    })
    this.on('free', () => this.#addQueued())
  }

  /** Where a connection goes is all that tells it from others. */
  override getName({ host, port }: CreateOptions = {}): string {
    return `${host ?? ''}:${port ?? ''}`
  }

  /** Node calls it with every request. */
  addRequest(request: ClientRequest, options: CreateOptions): void {
    const waiting = new WaitingRequest(request, this.#clock)
    if (waiting.signal.aborted) {
      waiting.tellDestroyed()
      return
    }
    const { addRequest } = Agent.prototype as unknown as AgentInternals
    const add = () => addRequest.call(this, request, { ...options, [asking]: waiting })
    const name = this.getName(options)
    if (this.#hasRoom(name)) add()
    else this.#enqueue(name, AsyncLocalStorage.bind(add), waiting)
  }

  override createConnection(
    options: CreateOptions,
    callback?: (error: Error | null, socket: Duplex) => void,
  ): undefined {
    const { version } = this.#client
    const waiting = options[asking]
    const settled = this.#countUnderWay(this.getName(options))
    this.#connect(options, waiting?.signal).then(
      (socket) => {
        settled()
        this.#versions.set(socket, version)
        callback?.(null, socket)
        // After Node's own listeners, which have counted it out by then.
        for (const event of ['close', 'agentRemove']) socket.once(event, () => this.#addQueued())
      },
      (error) => {
        settled()
        if (waiting?.signal.aborted) waiting.tellDestroyed()
        else callback?.(error, undefined as unknown as Duplex)
        this.#addQueued()
      },
    )
  }

  /** Uses these sockets for no new request. */
  retire(sockets: readonly Duplex[]): void {
    for (const socket of sockets) this.#retired.add(socket)
    this.closeOutdated()
  }

  /** Closes the idle sockets that were made under an earlier pair or view. */
  closeOutdated(): void {
    for (const sockets of Object.values(this.freeSockets)) {
      for (const socket of [...(sockets ?? [])]) {
        if (this.#isOutdated(socket)) socket.destroy()
      }
      // Until they have closed, Node passes over them at the head of the list alone.
      sockets?.sort((one, other) => Number(other.destroyed) - Number(one.destroyed))
    }
  }

  #isOutdated(socket: Duplex): boolean {
    return this.#retired.has(socket) || this.#versions.get(socket) !== this.#client.version
  }

  #hasRoom(name: string): boolean {
    const free = this.freeSockets[name] ?? []
    if (free.some((socket) => !socket.destroyed)) return true
    const open = free.length + (this.sockets[name]?.length ?? 0)
    const { totalSocketCount } = this as unknown as AgentInternals
    const underWay = this.#underWay.values().reduce((sum, count) => sum + count, 0)
    return (
      open + (this.#underWay.get(name) ?? 0) < this.maxSockets &&
      totalSocketCount + underWay < this.maxTotalSockets
    )
  }

  #enqueue(name: string, add: () => void, waiting: WaitingRequest): void {
    const queue = this.#queues.get(name) ?? new Set()
    this.#queues.set(name, queue.add(add))
    const leave = () => {
      if (queue.delete(add)) waiting.tellDestroyed()
    }
    waiting.signal.addEventListener('abort', leave, { once: true })
  }

  #addQueued(): void {
    for (const [name, queue] of this.#queues) {
      for (const add of queue) {
        if (!this.#hasRoom(name)) break
        queue.delete(add)
        add()
      }
      if (queue.size === 0) this.#queues.delete(name)
    }
  }

  /** @returns counts it out again */
  #countUnderWay(name: string): () => void {
    this.#underWay.set(name, (this.#underWay.get(name) ?? 0) + 1)
    return () => {
      const left = (this.#underWay.get(name) ?? 0) - 1
      if (left > 0) this.#underWay.set(name, left)
      else this.#underWay.delete(name)
    }
  }

  async #connect(
    { host, port, socketPath, timeout, keepAlive, keepAliveInitialDelay }: CreateOptions,
    signal: AbortSignal | undefined,
  ) {
    if (socketPath) throw new TypeError('socketPath with the agent of the mesh: members are called by name')
    if (!host)
      throw new MeshError('NAME_UNKNOWN', 'found no host in the request; allowed: the name of a member')
    const socket = await this.#client.connect({
      ...{ host, port: portOf(port), alpnProtocols: ['http/1.1'], signal },
      timeout: Math.min(timeout || DEFAULT_TIMEOUT, DEFAULT_TIMEOUT),
    })
    if (keepAlive) socket.setKeepAlive(true, keepAliveInitialDelay)
    return socket satisfies TLSSocket
  }
}

function portOf(port: number | string | null | undefined): number | undefined {
  return port === undefined || port === null || Number(port) === HTTPS_PORT ? undefined : Number(port)
}
