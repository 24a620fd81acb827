import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

interface TcpHandle {
  close(done?: () => void): void
  reset(done?: () => void): number
}

/** What node:tls has beneath a socket, and no way to reset it. */
interface TlsInternals {
  readonly _handle?: { readonly _parent?: Partial<TcpHandle> } | null
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
    // It can't be reset while an orderly end is under way.
    if (isWhole || reset.call(tcp, done) !== 0) close.call(tcp, done)
  }
}

/** Ends a half at once, with a reset where its transport has one. */
export function abandon(socket: Socket): void {
  const isPlainTcp = !(socket instanceof TLSSocket) && socket.remoteFamily !== undefined
  if (isPlainTcp) socket.resetAndDestroy()
  else socket.destroy()
}
