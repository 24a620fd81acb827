import { Agent, type AgentOptions } from 'node:https'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { MeshError } from '../error.ts'
import type { Client } from './client.ts'

/** The port that Node fills in for https where none was given, so that the member's `address` may say another. */
const HTTPS_PORT = 443

interface CreateOptions {
  readonly host?: string | null | undefined
  readonly port?: number | string | null | undefined
  readonly socketPath?: string | undefined
  readonly timeout?: number | undefined
  readonly keepAlive?: boolean
  readonly keepAliveInitialDelay?: number
}

/**
 * An `https.Agent` whose connections go to members of the mesh, through the gate. A request is written only after the
 * verdict. Options of requests that concern certificates or names of TLS have no effect. Of `maxSockets` Node counts the
 * connections that are open: a burst of requests opens one each while none is.
 */
export class MeshAgent extends Agent {
  readonly #client: Client
  readonly #versions = new WeakMap<Duplex, number>()
  readonly #retired = new WeakSet<Duplex>()

  constructor(
    client: Client,
    options: Pick<AgentOptions, 'maxSockets' | 'maxFreeSockets' | 'scheduling'> = {},
  ) {
    super({ keepAlive: true, ...options })
    this.#client = client
    // Before Node's own listener, which would give the socket to whoever waits in the queue.
    this.prependListener('free', (socket: Duplex) => {
      if (this.#isOutdated(socket)) socket.destroy()
    })
  }

  override createConnection(
    options: CreateOptions,
    callback?: (error: Error | null, socket: Duplex) => void,
  ): undefined {
    const { version } = this.#client
    this.#connect(options).then(
      (socket) => {
        this.#versions.set(socket, version)
        callback?.(null, socket)
      },
      (error) => callback?.(error, undefined as unknown as Duplex),
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
    }
  }

  #isOutdated(socket: Duplex): boolean {
    return this.#retired.has(socket) || this.#versions.get(socket) !== this.#client.version
  }

  async #connect({ host, port, socketPath, timeout, keepAlive, keepAliveInitialDelay }: CreateOptions) {
    if (socketPath) throw new TypeError('socketPath with the agent of the mesh: members are called by name')
    if (!host)
      throw new MeshError('NAME_UNKNOWN', 'found no host in the request; allowed: the name of a member')
    const socket = await this.#client.connect({ host, port: portOf(port), alpnProtocols: ['http/1.1'] })
    if (timeout) socket.setTimeout(timeout)
    if (keepAlive) socket.setKeepAlive(true, keepAliveInitialDelay)
    return socket satisfies TLSSocket
  }
}

function portOf(port: number | string | null | undefined): number | undefined {
  return port === undefined || port === null || Number(port) === HTTPS_PORT ? undefined : Number(port)
}
