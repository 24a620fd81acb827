import { Agent, type buildConnector, Dispatcher } from 'undici'
import { MeshError } from '../error.ts'
import type { Client } from './client.ts'

/**
 * An undici dispatcher whose connections go to members of the mesh, through the gate. When pair or view change, a new
 * pool takes over; the old one finishes what it has and closes.
 */
export class MeshDispatcher extends Dispatcher {
  readonly #client: Client
  readonly #retiring = new Set<Agent>()
  #pool: Agent
  #isEnding = false
  /** What it was destroyed with. */
  #ended: Error | null = null
  #version: number

  constructor(client: Client) {
    super()
    this.#client = client
    this.#version = client.version
    this.#pool = this.#newPool()
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    if (this.#ended !== null) throw this.#ended
    this.renew()
    return this.#pool.dispatch(options, handler)
  }

  /** Starts anew where pair or view have changed. */
  renew(): void {
    if (this.#version !== this.#client.version) this.startAnew()
  }

  /** Connections that are open finish what they have; new requests get new ones, where any is still taken. */
  startAnew(): void {
    if (this.#isEnding) return
    const old = this.#pool
    this.#version = this.#client.version
    this.#pool = this.#newPool()
    this.#retiring.add(old)
    const closed = () => this.#retiring.delete(old)
    old.close().then(closed, closed)
  }

  override close(): Promise<void>
  override close(callback: () => void): void
  override close(callback?: () => void): Promise<void> | void {
    this.#isEnding = true
    return settle(Promise.all([...this.#pools()].map((pool) => pool.close())), callback)
  }

  override destroy(error?: Error | null | (() => void), callback?: () => void): Promise<void>
  override destroy(error: Error | null, callback: () => void): void
  override destroy(error?: Error | null | (() => void), callback?: () => void): Promise<void> | void {
    const done = typeof error === 'function' ? error : callback
    const reason = typeof error === 'function' ? null : (error ?? null)
    this.#isEnding = true
    this.#ended ??= reason
    return settle(Promise.all([...this.#pools()].map((pool) => pool.destroy(reason))), done)
  }

  #pools(): Agent[] {
    return [this.#pool, ...this.#retiring]
  }

  #newPool(): Agent {
    const pool = new Agent({ connect: this.#connector(), allowH2: false })
    pool.on('drain', (...args) => this.emit('drain', ...args))
    return pool
  }

  #connector(): buildConnector.connector {
    return ({ hostname, port, protocol }, callback) => {
      if (protocol !== 'https:') return callback(plainHttp(protocol, hostname), null)
      const options = { host: hostname, port: port ? Number(port) : undefined, alpnProtocols: ['http/1.1'] }
      this.#client.connect(options).then(
        (socket) => callback(null, socket),
        (error) => callback(error, null),
      )
    }
  }
}

function plainHttp(protocol: string, host: string): MeshError {
  return new MeshError(
    'PLAIN_HTTP',
    `found ${protocol}//${host}; allowed: https: what goes over the mesh is encrypted: write https://${host}`,
    { data: { protocol, host } },
  )
}

function settle(all: Promise<unknown>, callback: (() => void) | undefined): Promise<void> | undefined {
  const done = all.then(() => {})
  if (callback === undefined) return done
  done.then(callback, callback)
  return undefined
}
