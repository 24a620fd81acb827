import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type CutConnection, join, type Mesh, type MeshError, type Refusal } from '@datapunk/mesh'
import type { MeshFolder } from './mesh-folder.ts'

/**
 * A service of ours on a port of its own that answers `hello CALLER`, and counts how often the application was called.
 * An answer to `/held` has no end, so its connection stays open until somebody cuts it.
 */
export class Greeter {
  readonly mesh: Mesh
  readonly name: string
  readonly port: number
  readonly refusals: Refusal[] = []
  readonly #stop: () => Promise<void>
  #calls = 0

  /** @param port any, unless told */
  static async start(folder: MeshFolder, service: string, port = 0): Promise<Greeter> {
    const mesh = await join(service, { config: folder.configFile })
    let greeter: Greeter | undefined
    const server = mesh.createServer((request, response) => {
      if (greeter) greeter.#calls++
      response.write(`hello ${mesh.peer(request).service}`)
      if (request.url !== '/held') response.end()
    })
    // Between two requests a busy machine may take longer than Node waits for the first one.
    server.headersTimeout = 0
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new TypeError('no port')
    const stop = async () => {
      server.close()
      await mesh.leave()
    }
    greeter = new Greeter(mesh, address.port, stop)
    return greeter
  }

  private constructor(mesh: Mesh, port: number, stop: () => Promise<void>) {
    this.mesh = mesh
    this.name = mesh.self.name
    this.port = port
    this.#stop = stop
    mesh.on('refused', (refusal) => this.refusals.push(refusal))
  }

  get calls(): number {
    return this.#calls
  }

  get url(): string {
    return `https://${this.name}:${this.port}/`
  }

  /**
   * Opens a connection of the caller's, and waits until one of the two cuts it: whoever hears of the reason first.
   *
   * @param reason brings it about
   * @returns why it was cut
   */
  async cutOff(caller: Mesh, reason: () => Promise<unknown>): Promise<MeshError> {
    const held = await caller.fetch(`${this.url}held`)
    const cut = Promise.race([this.mesh, caller].map((end) => once(end, 'cut') as Promise<[CutConnection]>))
    await reason()
    const [{ error }] = await cut
    await assert.rejects(held.text())
    return error
  }

  stop(): Promise<void> {
    return this.#stop()
  }
}
