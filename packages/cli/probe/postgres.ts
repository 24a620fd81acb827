import type { Socket } from 'node:net'

/** A PostgreSQL server speaks TLS once it is asked to: SSLRequest (its protocol, section "SSL Session Encryption"). */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])

const YES = 0x53

/** @throws Error where the server does not speak TLS, or hangs up */
export async function beginTls(socket: Socket): Promise<void> {
  socket.write(SSL_REQUEST)
  const answered = Promise.withResolvers<Buffer>()
  socket.once('data', answered.resolve)
  socket.once('close', () => answered.reject(new Error('it hung up where it was asked for TLS')))
  const answer = await answered.promise
  if (answer[0] !== YES || answer.length !== 1) throw new Error('it says that it does not speak TLS')
}

/** Protocol 3.0, StartupMessage: who wants in, and to which database. */
export function startupMessage(user: string): Buffer {
  const fields = Buffer.from(`user\0${user}\0database\0postgres\0\0`)
  const head = Buffer.alloc(8)
  head.writeInt32BE(fields.length + 8)
  head.writeInt32BE(3 << 16, 4)
  return Buffer.concat([head, fields])
}

/** An ErrorResponse as the first message: its SQLSTATE, and what it says. */
export function errorIn(received: string): { readonly state: string; readonly message: string } | undefined {
  if (!received.startsWith('E')) return undefined
  const fields = new Map(
    received
      .slice(5)
      .split('\0')
      .map((field) => [field[0], field.slice(1)]),
  )
  const state = fields.get('C')
  return state === undefined ? undefined : { state, message: fields.get('M') ?? '' }
}
