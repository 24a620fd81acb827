import { createServer, type Server, type Socket } from 'node:net'
import { TLSSocket, type TlsOptions } from 'node:tls'

const SSL_REQUEST = 80_877_103

export interface FakePostgresOptions {
  /** Speaks TLS with these, and nothing else; absent for the opposite. */
  readonly tls?: TlsOptions | undefined
  /** Asks for a password in clear. */
  readonly password?: boolean | undefined
  /** What `pg_reload_conf()` gives: `t` unless told. */
  readonly told?: 't' | 'f' | undefined
  /** Refuses, in the place of `login` or `query`, with a code and a message. */
  readonly refuse?: { readonly at: 'login' | 'query'; readonly code: string; readonly message: string }
  /** Says nothing more, in the place of `login` or `query`. */
  readonly hang?: 'login' | 'query'
}

/**
 * As much of PostgreSQL as one query takes; https://www.postgresql.org/docs/current/protocol-flow.html. Each of its
 * messages comes in a piece of its own here, as short ones do.
 */
export class FakePostgres {
  /** Parameters of the start, passwords and queries, as they came. */
  readonly heard: string[] = []
  readonly server: Server
  readonly #options: FakePostgresOptions

  constructor(options: FakePostgresOptions = {}) {
    this.#options = options
    this.server = createServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', (bytes: Buffer) => this.#first(socket, bytes))
    })
  }

  #first(socket: Socket, bytes: Buffer): void {
    const { tls } = this.#options
    if (bytes.readInt32BE(4) !== SSL_REQUEST) {
      this.#start(socket, bytes)
      return
    }
    socket.write(tls === undefined ? 'N' : 'S')
    if (tls === undefined) return
    const secure = new TLSSocket(socket, { isServer: true, ...tls })
    secure.on('error', () => {})
    secure.once('data', (first: Buffer) => this.#start(secure, first))
  }

  #start(socket: Socket, bytes: Buffer): void {
    this.heard.push(bytes.toString('utf8', 8).replaceAll('\0', ' ').trim())
    socket.on('data', (message: Buffer) => this.#message(socket, message))
    if (this.#stops('login', socket)) return
    if (this.#options.password) socket.write(message('R', int32(3)))
    else this.#admit(socket)
  }

  #message(socket: Socket, bytes: Buffer): void {
    const kind = String.fromCharCode(bytes[0]!)
    if (kind === 'X') {
      socket.end()
      return
    }
    this.heard.push(bytes.toString('utf8', 5).replaceAll('\0', ''))
    if (kind === 'p') this.#admit(socket)
    if (kind === 'Q' && !this.#stops('query', socket)) this.#answer(socket)
  }

  #admit(socket: Socket): void {
    socket.write(Buffer.concat([message('R', int32(0)), message('Z', Buffer.from('I'))]))
  }

  #answer(socket: Socket): void {
    const value = Buffer.from(this.#options.told ?? 't')
    // One column `told` of type bool (16), in text.
    const column = Buffer.concat([Buffer.from('told\0'), Buffer.alloc(6), int32(16), Buffer.alloc(8)])
    socket.write(
      Buffer.concat([
        message('T', Buffer.concat([int16(1), column])),
        message('D', Buffer.concat([int16(1), int32(value.length), value])),
        message('C', Buffer.from('SELECT 1\0')),
        message('Z', Buffer.from('I')),
      ]),
    )
  }

  #stops(at: 'login' | 'query', socket: Socket): boolean {
    const { refuse, hang } = this.#options
    if (refuse?.at === at) {
      const fields = `SFATAL\0C${refuse.code}\0M${refuse.message}\0\0`
      const end = at === 'query' ? message('Z', Buffer.from('I')) : Buffer.alloc(0)
      socket.write(Buffer.concat([message('E', Buffer.from(fields)), end]))
    }
    return refuse?.at === at || hang === at
  }
}

function message(kind: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(kind), int32(body.length + 4), body])
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}
