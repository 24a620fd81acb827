import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { TestMesh } from '@datapunk/testkit'
import { type CutConnection, join, type Mesh } from '../../index.ts'
import type { Place } from '../../place.ts'
import { type MeshProxy, openProxy } from '../proxy.ts'

/** The service that a proxy stands before: it hands out its connections, and does nothing with them. */
export class Backend {
  readonly server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    this.taken++
    socket.on('error', () => {})
  })
  /** Connections so far. */
  taken = 0

  async listen(): Promise<Place & { port: number }> {
    this.server.listen(0, '127.0.0.1')
    await once(this.server, 'listening')
    return { host: '127.0.0.1', port: (this.server.address() as AddressInfo).port }
  }

  async next(): Promise<Socket> {
    const [socket] = await once(this.server, 'connection')
    return socket
  }
}

/**
 * A mesh of lake, stream and nexus. A proxy stands before lake and leads to `backend`; another lends itself to a program
 * of stream's, and calls the first one: so both ways are in every connection.
 */
export class TwoProxies {
  readonly testMesh: TestMesh
  readonly lake: Mesh
  readonly stream: Mesh
  readonly backend = new Backend()
  readonly serving: MeshProxy
  readonly calling: MeshProxy
  /** Where the program of stream's connects to. */
  readonly near: { readonly host: string; readonly port: number }
  /** Where lake's proxy listens. */
  readonly port: number

  static async start(room?: number): Promise<TwoProxies> {
    const testMesh = await TestMesh.create({ services: { lake: {}, stream: {}, nexus: {} } })
    const [lake, stream] = await Promise.all(
      ['lake', 'stream'].map((service) => join(service, { config: testMesh.configFile })),
    )
    const backend = new Backend()
    const to = await backend.listen()
    const at = { host: '127.0.0.1', port: 0 }
    const serving = await openProxy(lake!, { routes: [{ way: 'serve', at, to }], room })
    const { port } = portOf(serving)
    const member = { host: 'lake', port }
    const calling = await openProxy(stream!, { routes: [{ way: 'call', at, to: member }] })
    return new TwoProxies({ testMesh, lake: lake!, stream: stream!, backend, serving, calling, port })
  }

  private constructor(
    parts: Pick<TwoProxies, 'testMesh' | 'lake' | 'stream' | 'backend' | 'serving' | 'calling' | 'port'>,
  ) {
    this.testMesh = parts.testMesh
    this.lake = parts.lake
    this.stream = parts.stream
    this.backend = parts.backend
    this.serving = parts.serving
    this.calling = parts.calling
    this.port = parts.port
    this.near = portOf(parts.calling)
  }

  /** Puts another certificate among the revoked, and has lake hear of it. @returns what lake cut for it */
  async revoke(serial: string, told: Mesh = this.lake): Promise<CutConnection> {
    const cut = once(told, 'cut') as Promise<[CutConnection]>
    await this.testMesh.revoke(serial)
    await told.refresh()
    return (await cut)[0]
  }

  async end(): Promise<void> {
    await Promise.all([this.serving, this.calling].map((proxy) => proxy.stop(AbortSignal.abort())))
    await Promise.all([this.lake.leave(), this.stream.leave()])
    this.backend.server.close()
    await this.testMesh.remove()
  }
}

/** Of a proxy's first route. */
export function portOf(proxy: MeshProxy): { host: string; port: number } {
  const at = proxy.routes[0]?.at
  if (at === undefined || 'path' in at) throw new TypeError('no port')
  return at
}
