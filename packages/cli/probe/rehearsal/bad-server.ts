import { once } from 'node:events'
import { createServer, type SecureVersion } from 'node:tls'
import { type Mesh, MeshError } from '@datapunk/mesh'
import type { ShownPair } from '../shown-pair.ts'

/** What came of a call to a server that a caller must not speak with. */
export interface CalledServer {
  /** The rule by which the caller’s gate refused it; undefined where it did not. */
  readonly rule: string | undefined
  /** Why the call failed, as its code; undefined where it did not. */
  readonly code: string | undefined
  readonly message: string | undefined
  /** Application data that it has heard, bytes. */
  readonly heard: number
}

/** Stands where a service would be, with this pair, and has a member call it by the library. */
export async function callBadServer(
  caller: Mesh,
  service: string,
  pair: ShownPair,
  maxVersion: SecureVersion = 'TLSv1.3',
): Promise<CalledServer> {
  let heard = 0
  const old = maxVersion !== 'TLSv1.3' && { minVersion: 'TLSv1' as const, ciphers: 'ALL:@SECLEVEL=0' }
  const options = { cert: pair.certificate, key: pair.key, requestCert: true, rejectUnauthorized: false }
  const server = createServer({ ...options, maxVersion, ...old }, (socket) => {
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.byteLength
      socket.end('hello, whoever you are')
    })
  })
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  try {
    return { ...(await call(caller, service, port)), heard }
  } finally {
    server.close()
  }
}

async function call(caller: Mesh, host: string, port: number): Promise<Omit<CalledServer, 'heard'>> {
  try {
    const socket = await caller.connect({ host, port })
    socket.on('error', () => {})
    // What would have been said in confidence.
    socket.end('GET / HTTP/1.0\r\n\r\n')
    socket.resume()
    await once(socket, 'close')
    return { rule: undefined, code: undefined, message: undefined }
  } catch (error) {
    if (!(error instanceof MeshError)) throw error
    return { rule: error.refusal?.rule, code: error.code, message: error.message }
  }
}
