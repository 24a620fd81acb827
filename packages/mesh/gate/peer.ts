import type { ServerHttp2Session } from 'node:http2'
import { MeshError } from '../error.ts'

/** Who is at the other end of a connection that passed the gate. */
export interface Peer {
  /** Its name in the config. */
  readonly service: string
  readonly spiffeId: string
  /** The DNS names of its certificate. */
  readonly dnsNames: readonly string[]
  /** Of its certificate, lowercase hex. */
  readonly serial: string
  /** SHA-256 of its certificate, lowercase hex. */
  readonly fingerprint: string
  /** What its certificate is good for, milliseconds since the epoch; the connection ends then at the latest. */
  readonly notBefore: number
  readonly notAfter: number
}

/**
 * A property and no WeakMap: http2 shows a session's socket through a proxy, which passes properties on but is another
 * object. The symbol never leaves this file.
 */
const peerOfSocket = Symbol('peer')

export function setPeer(socket: object, peer: Peer): void {
  ;(socket as Carrier)[peerOfSocket] = peer
}

/** A session that is gone has no socket any more, and a stream that is gone no session: each is told who is there. */
export function passPeerToStreams(session: ServerHttp2Session): void {
  const peer = peerIn(session)
  if (peer === undefined) return
  setPeer(session, peer)
  session.prependListener('stream', (stream) => setPeer(stream, peer))
}

/**
 * The peer behind a request or socket.
 *
 * @param source a TLSSocket, a request of node:https or node:http2, or one of Fastify or Express; a stream or session of
 *   node:http2
 * @throws MeshError `PEER_UNKNOWN` for whatever did not come through the gate
 */
export function peerOf(source: object): Peer {
  const peer = peerIn(source)
  if (peer !== undefined) return peer
  throw new MeshError(
    'PEER_UNKNOWN',
    'found a request or socket that did not come through the mesh; allowed: those of mesh.createServer, mesh.protect and mesh.connect',
  )
}

type Carrier = {
  [peerOfSocket]?: Peer
  raw?: Carrier
  socket?: Carrier
  stream?: Carrier & { session?: { socket?: Carrier } | undefined }
}

/** As {@link peerOf}, and nobody where nobody is known. */
export function peerIn(source: object): Peer | undefined {
  const carrier: Carrier = source
  const request = carrier.raw ?? carrier
  return (
    request[peerOfSocket] ??
    request.stream?.[peerOfSocket] ??
    request.stream?.session?.socket?.[peerOfSocket] ??
    request.socket?.[peerOfSocket]
  )
}
