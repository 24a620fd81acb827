import { connect } from 'node:tls'
import { addressText } from '@datapunk/protocol'
import { CliError } from '../cli-error.ts'

export interface RemotePlace {
  readonly host: string
  readonly port: number
  /** The name to ask for (SNI). */
  readonly serverName: string | undefined
}

/** Milliseconds for TCP and TLS together. */
const PATIENCE = 10_000

/**
 * The certificate that a server shows to somebody who shows none. Nothing is believed here, and nothing is sent.
 *
 * @returns DER
 * @throws CliError `HOST_UNREACHABLE`
 */
export function remoteCertificate({ host, port, serverName }: RemotePlace): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
  const socket = connect({
    host,
    port,
    ...(serverName !== undefined && { servername: serverName }),
    // It is judged afterwards, by the rules of the mesh.
    rejectUnauthorized: false,
    timeout: PATIENCE,
  })
  const fail = (reason: string, cause?: unknown) => {
    const message = `found no TLS server at ${addressText(host, port)} (${reason}); allowed: a service that runs and is reachable from here`
    reject(new CliError('HOST_UNREACHABLE', message, { cause }))
    socket.destroy()
  }
  socket.once('secureConnect', () => {
    const certificate = socket.getPeerX509Certificate()
    if (certificate === undefined) return fail('it shows no certificate')
    resolve(certificate.raw)
    socket.destroy()
  })
  socket.on('error', (error: NodeJS.ErrnoException) => fail(error.code ?? error.message, error))
  socket.once('timeout', () => fail(`no answer for ${PATIENCE / 1000} s`))
  socket.once('end', () => fail('it hung up'))
  return promise
}
