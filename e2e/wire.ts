import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** A wire between two hosts that can go dead without a word to either end, as a cable does. */
export class Wire {
  readonly #server: Server
  readonly #ends = new Set<Socket>()
  readonly port: number

  static async to(port: number): Promise<Wire> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new TypeError('no port')
    return new Wire(server, address.port, port)
  }

  private constructor(server: Server, port: number, target: number) {
    this.#server = server
    this.port = port
    server.on('connection', (near) => {
      const far = connect({ host: '127.0.0.1', port: target })
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#ends.add(from)
        from.on('error', () => {})
        from.on('close', () => to.destroy())
        from.pipe(to)
      }
    })
  }

  /** Whatever is connected now hears and says nothing any more; new connections are made as before. */
  freeze(): void {
    for (const end of this.#ends) {
      end.unpipe()
      end.pause()
      end.removeAllListeners('close')
    }
  }

  close(): void {
    for (const end of this.#ends) end.destroy()
    this.#server.close()
  }
}
