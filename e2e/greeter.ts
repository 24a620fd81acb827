import { once } from 'node:events'
import { join, type Mesh, type Refusal } from '@datapunk/mesh'
import type { MeshFolder } from './mesh-folder.ts'

/** A service of ours on a port of its own that answers `hello CALLER`, and counts how often the application was called. */
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
      response.end(`hello ${mesh.peer(request).service}`)
    })
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

  stop(): Promise<void> {
    return this.#stop()
  }
}
