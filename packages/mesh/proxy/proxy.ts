import { EventEmitter } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { resetIfCutShort } from '../connections/cut-short.ts'
import { MeshError } from '../error.ts'
import type { Mesh } from '../mesh.ts'
import type { Place } from '../place.ts'
import { abandon } from './abandon.ts'
import { dialPlain, listenAt, tcpOptions } from './plain.ts'
import { type Permissions, type Route, refuseExposed } from './route.ts'
import { splice } from './splice.ts'

export interface ProxyOptions extends Permissions {
  readonly routes: readonly Route[]
  /** Connections at once, shared out among the routes; without limit unless given. */
  readonly room?: number | undefined
}

export interface ProxyEvents {
  /** A connection was ended because the service behind, or the member called, could not be reached, or refused. */
  failed: [{ readonly route: Route; readonly error: MeshError }]
  /** No more connections are taken at this route until one ends; told once each time. */
  full: [{ readonly route: Route; readonly room: number }]
  /** A listening server's own failure; it goes on. */
  problem: [{ readonly route: Route; readonly error: Error }]
}

/** Milliseconds for a caller's TLS handshake. */
const HANDSHAKE_TIMEOUT = 10_000

type Dial = (signal: AbortSignal) => Promise<Socket>

/** A member for a service that can't be one by itself: mutual TLS outside, plain bytes to and from the service. */
export class MeshProxy extends EventEmitter<ProxyEvents> {
  readonly #mesh: Mesh
  readonly #servers = new Map<Route, Server>()
  readonly #open = new Set<Socket>()
  #carried = 0

  /** Not for applications: `openProxy` is. */
  constructor(mesh: Mesh) {
    super()
    this.#mesh = mesh
  }

  /** Connections now, from their first packet on. */
  get open(): number {
    return this.#open.size
  }

  /** Connections that went through to the other side, since the start. */
  get carried(): number {
    return this.#carried
  }

  /** Its routes, and where each listens, with the port that the system gave where none was asked for. */
  get routes(): { route: Route; at: Place }[] {
    return [...this.#servers].map(([route, server]) => {
      const address = server.address() as AddressInfo | string | null
      if (address === null || typeof address === 'string') return { route, at: route.at }
      return { route, at: { host: address.address, port: address.port } }
    })
  }

  /** @throws MeshError `LISTEN_FAILED` */
  async listen(route: Route, room: number | undefined): Promise<void> {
    const server = route.way === 'serve' ? this.#serving(route) : this.#calling(route)
    server.on('connection', (socket: Socket) => {
      this.#open.add(socket)
      socket.once('close', () => this.#open.delete(socket))
    })
    if (room !== undefined) this.#limit(server, route, room)
    this.#servers.set(route, server)
    await listenAt(server, route.at)
    server.on('error', (error) => this.emit('problem', { route, error }))
  }

  /**
   * Listens no more, and lets what is open come to its own end.
   *
   * @param patience aborted when that has lasted long enough: what is still open then is reset
   * @returns how many were
   */
  async stop(patience: AbortSignal): Promise<number> {
    const closed = [...this.#servers.values()].map(
      (server) => new Promise<void>((resolve) => server.close(() => resolve())),
    )
    let cut = 0
    const endAll = () => {
      cut = this.#open.size
      for (const socket of [...this.#open]) abandon(socket)
    }
    patience.addEventListener('abort', endAll, { once: true })
    if (patience.aborted) endAll()
    await Promise.all(closed)
    patience.removeEventListener('abort', endAll)
    return cut
  }

  /** The service behind is not even connected to before the gate has passed the caller: `protect` sees to that. */
  #serving(route: Route & { way: 'serve' }): Server {
    // Half an end before the handshake is done is a whole one, as of health checks that only look whether the port opens.
    const options = {
      ...{ ...tcpOptions, allowHalfOpen: false, handshakeTimeout: HANDSHAKE_TIMEOUT },
      ...(route.protocol && { ALPNProtocols: [route.protocol] }),
    }
    const server = createTlsServer(options, (caller) => {
      caller.allowHalfOpen = true
      resetIfCutShort(caller)
      void this.#carry(route, caller, (signal) => dialPlain(route.to, signal))
    })
    return this.#mesh.protect(server)
  }

  #calling(route: Route & { way: 'call' }): Server {
    return createServer(tcpOptions, (client) =>
      this.#carry(route, client, async (signal) => {
        const alpnProtocols = route.protocol && [route.protocol]
        const socket = await this.#mesh.connect({ ...route.to, alpnProtocols, signal })
        socket.allowHalfOpen = true
        resetIfCutShort(socket)
        return socket.setNoDelay().setKeepAlive(true, tcpOptions.keepAliveInitialDelay)
      }),
    )
  }

  /** One connection, from the near half's arrival to the end of both. */
  async #carry(route: Route, near: Socket, dial: Dial): Promise<void> {
    const gone = new AbortController()
    near.on('error', () => {}).once('close', () => gone.abort())
    try {
      const far = await dial(gone.signal)
      this.#carried++
      await splice(near, far)
    } catch (error) {
      abandon(near)
      // What was cut is told by the mesh; that one side went away is everyday life.
      if (error instanceof MeshError && error.code !== 'CONNECTION_CUT') this.emit('failed', { route, error })
    }
  }

  /** Dropped before anything was spent on them, so that files are left for the halves of the others. */
  #limit(server: Server, route: Route, room: number): void {
    let isFull = false
    server.maxConnections = room
    server.on('connection', () => {
      isFull = false
    })
    server.on('drop', () => {
      if (!isFull) this.emit('full', { route, room })
      isFull = true
    })
  }
}

/**
 * Listens for a service that has joined. The mesh stays the caller's: `mesh.leave()` after `proxy.stop()`.
 *
 * @throws MeshError `PLACE_EXPOSED` for an unsafe place that was not allowed, `LISTEN_FAILED`
 */
export async function openProxy(
  mesh: Mesh,
  { routes, room, ...permissions }: ProxyOptions,
): Promise<MeshProxy> {
  for (const route of routes) refuseExposed(route, permissions)
  const proxy = new MeshProxy(mesh)
  const share = room === undefined ? undefined : Math.max(1, Math.floor(room / routes.length))
  try {
    for (const route of routes) await proxy.listen(route, share)
  } catch (error) {
    await proxy.stop(AbortSignal.abort())
    throw error
  }
  return proxy
}
