import { connect as connectSocket, type Socket } from 'node:net'
import { connect, type SecureContext, type TLSSocket } from 'node:tls'
import { type AuthorityAddress, addressText, authorityName } from '@datapunk/protocol'
import type { Clock } from '../clock.ts'
import { MeshError } from '../error.ts'
import { shortSocketPath } from './socket-path.ts'

/** TCP and TLS together, milliseconds. */
const CONNECT_TIMEOUT = 10_000

/** Connects to `mesh.sock`. Nothing of it keeps the process alive. */
export function callSocket(path: string, signal: AbortSignal): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  const socket = connectSocket({ path: shortSocketPath(path) })
  socket.unref()
  const abort = () => socket.destroy(signal.reason)
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  const settle = () => signal.removeEventListener('abort', abort)
  socket.on('error', (error) => {
    settle()
    reject(error)
  })
  socket.once('connect', () => {
    settle()
    resolve(socket)
  })
  return promise
}

export interface SecureCall<Standing> {
  readonly address: AuthorityAddress
  readonly trustDomain: string
  /** The service's own pair, and whom OpenSSL is to trust. */
  readonly context: SecureContext
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Somebody waits for it, so it keeps the process alive. */
  readonly awaited?: boolean
  /** The verdict on whoever is there, before anything is written. What it throws ends the call. */
  readonly judge: (socket: TLSSocket) => Standing
}

/**
 * Connects to the authority on another host. The verdict is synchronous, from the end of the handshake on; until then nobody
 * but this function has the socket.
 *
 * @throws MeshError `AUTHORITY_UNREACHABLE`; what `judge` throws
 */
export function callAuthority<Standing>(
  call: SecureCall<Standing>,
): Promise<{ readonly socket: TLSSocket; readonly standing: Standing }> {
  const { address, trustDomain, context, clock, signal, awaited = false, judge } = call
  const { promise, resolve, reject } = Promise.withResolvers<{ socket: TLSSocket; standing: Standing }>()
  const socket = connect({
    ...address,
    servername: authorityName(trustDomain),
    ALPNProtocols: ['http/1.1'],
    secureContext: context,
    // OpenSSL's verdict is the first that `judge` asks for; Node would throw away the certificate with the connection.
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  })
  if (!awaited) socket.unref()
  socket.setKeepAlive(true, CONNECT_TIMEOUT)
  const abort = () => socket.destroy(unreachable(address, 'given up'))
  const cancel = clock.after(CONNECT_TIMEOUT, () => socket.destroy(unreachable(address, 'no answer')))
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  const settle = () => {
    cancel()
    signal.removeEventListener('abort', abort)
  }
  socket.once('close', () => {
    settle()
    reject(unreachable(address, 'closed'))
  })
  socket.on('error', (error: NodeJS.ErrnoException) =>
    reject(error instanceof MeshError ? error : unreachable(address, error.code ?? error.message, error)),
  )
  socket.once('secureConnect', () => {
    try {
      const standing = judge(socket)
      settle()
      resolve({ socket, standing })
    } catch (error) {
      reject(error)
      socket.destroy()
    }
  })
  return promise
}

function unreachable(address: AuthorityAddress, reason: string, cause?: Error): MeshError {
  return new MeshError(
    'AUTHORITY_UNREACHABLE',
    `found no authority at ${addressText(address.host, address.port)} (${reason}); allowed: what authority.listen says, reachable from here: see whether \`mtls up\` runs there`,
    { cause, data: { ...address, reason } },
  )
}
