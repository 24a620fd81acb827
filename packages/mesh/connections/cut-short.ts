import type { TLSSocket } from 'node:tls'
import { isBetweenRequests } from './requests.ts'

interface TcpHandle {
  close(done?: () => void): void
  reset(done?: () => void): void
}

/** What node:tls has beneath a socket, and no way to reset it. */
interface TlsInternals {
  readonly _handle?: { readonly _parent?: Partial<TcpHandle> } | null
}

/** Ends a connection now, with a reset where this side had not said all: see {@link resetIfCutShort}. */
export function cutShort(socket: TLSSocket, error?: Error): void {
  if (!socket.writableFinished && !isBetweenRequests(socket)) resetIfCutShort(socket)
  socket.destroy(error)
}

/**
 * Has a TLS connection that is destroyed before both directions have ended, by the mesh or anyone, end with a reset. A plain
 * close would look like an orderly end: Node, like others, takes the end of TCP for the end of TLS, so that half an answer
 * would pass for a whole one, and who only listens would wait for ever.
 */
export function resetIfCutShort(socket: TLSSocket): void {
  const tcp = (socket as TlsInternals)._handle?._parent
  if (tcp?.reset === undefined || tcp.close === undefined) return
  const { close, reset } = tcp
  tcp.close = (done) => {
    const isWhole = socket.readableEnded && socket.writableFinished
    // An orderly end that is under way can't be reset, and who tries can't even close any more.
    const isEnding = socket.writableEnded && socket.writableLength === 0 && !socket.writableFinished
    ;(isWhole || isEnding ? close : reset).call(tcp, done)
  }
}
