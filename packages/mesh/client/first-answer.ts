import type { TLSSocket } from 'node:tls'
import type { MeshError } from '../error.ts'
import { isCertificateAlert } from './call-failure.ts'

/**
 * In TLS 1.3 a client is done with the handshake before the server has judged it, so that a refusal looks like a success
 * followed by a closed connection. Until the server has given a sign that it accepted (a session ticket, which our gate
 * lets out only afterwards, or a first byte), an end of the connection is therefore told as what it is: `PEER_REFUSED`.
 *
 * @param refused makes that error, of what was caught
 */
export function expectFirstAnswer(socket: TLSSocket, refused: (cause?: unknown) => MeshError): void {
  const { push, _destroy: destroy } = socket
  const answered = () => {
    socket.push = push
    socket._destroy = destroy
  }
  socket.once('session', answered)
  socket.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
    if (chunk === null) {
      socket.destroy(refused())
      return false
    }
    answered()
    return push.call(socket, chunk, encoding)
  }
  socket._destroy = (error, done) => {
    answered()
    destroy.call(socket, error !== null && isEndByPeer(error) ? refused(error) : error, done)
  }
}

function isEndByPeer(error: Error): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ECONNRESET' || code === 'EPIPE' || code === 'ECONNABORTED' || isCertificateAlert(error)
}
