import type { TLSSocket } from 'node:tls'
import type { MeshError } from '../error.ts'
import { isCertificateAlert } from './call-failure.ts'

/** How Node tells what went wrong with TLS after the handshake: as an event, and the end of the connection comes besides. */
interface TlsInternals {
  _emitTLSError: (error: Error) => void
}

/**
 * In TLS 1.3 a client is done with the handshake before the server has judged it, so that a refusal looks like a success
 * followed by an alert (RFC 8446 6.2), as OpenSSL's servers send it, or by a closed connection. Until the server has given a
 * sign that it accepted (a session ticket, which our gate lets out only afterwards, or a first byte), an end of the connection
 * is therefore told as what it is: `PEER_REFUSED`, once.
 *
 * @param refused makes that error, of what was caught
 */
export function expectFirstAnswer(socket: TLSSocket, refused: (cause?: unknown) => MeshError): void {
  const wire = socket as TLSSocket & TlsInternals
  const { push, _destroy: destroy, _emitTLSError: tell } = wire
  const answered = () => {
    wire.push = push
    wire._destroy = destroy
    wire._emitTLSError = tell
  }
  // HTTP/2 reads beneath the socket, where only the end is pushed.
  const isUnheard = () => wire.bytesRead === 0
  wire.once('session', answered)
  wire._emitTLSError = (error) => wire.destroy(error)
  wire.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
    if (chunk === null && isUnheard()) {
      wire.destroy(refused())
      return false
    }
    answered()
    return push.call(wire, chunk, encoding)
  }
  wire._destroy = (error, done) => {
    answered()
    const isRefusal = isUnheard() && error !== null && isEndByPeer(error)
    destroy.call(wire, isRefusal ? refused(error) : error, done)
  }
}

function isEndByPeer(error: Error): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ECONNRESET' || code === 'EPIPE' || code === 'ECONNABORTED' || isCertificateAlert(error)
}
