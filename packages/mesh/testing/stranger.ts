import { type ConnectionOptions, connect } from 'node:tls'

/** What came of a call. */
export interface Outcome {
  /** Everything the server sent, after TLS. */
  readonly received: string
  /** Code of the error that ended it, where one did. */
  readonly error: string | undefined
  readonly protocol: string | null
  readonly resumed: boolean
  /** Sessions the server gave. */
  readonly sessions: readonly Buffer[]
}

/**
 * A caller that is no part of the mesh: it trusts every server, shows what it is given, and writes before the handshake is
 * done, so that its bytes are there in the moment the server is.
 *
 * @param first what it writes
 * @param until what the caller waits for before it ends its side; any byte unless told
 * @returns when the connection has closed
 */
export function callAsStranger(
  port: number,
  first: string | Buffer,
  options: ConnectionOptions = {},
  until = /[\s\S]/,
): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>()
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options })
  const chunks: Buffer[] = []
  const sessions: Buffer[] = []
  let error: string | undefined
  let resumed = false
  let protocol: string | null = null
  socket.on('secureConnect', () => {
    resumed = socket.isSessionReused()
    protocol = socket.getProtocol()
  })
  socket.on('session', (session) => sessions.push(session))
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    if (until.test(Buffer.concat(chunks).toString('latin1'))) socket.end()
  })
  socket.on('error', (cause: NodeJS.ErrnoException) => {
    error ??= cause.code ?? cause.message
  })
  socket.on('close', () => {
    resolve({ received: Buffer.concat(chunks).toString('latin1'), error, protocol, resumed, sessions })
  })
  socket.write(first)
  return promise
}
