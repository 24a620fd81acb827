import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

/** Ends a half at once, with a reset where its transport has one. */
export function abandon(socket: Socket): void {
  const isPlainTcp = !(socket instanceof TLSSocket) && socket.remoteFamily !== undefined
  if (isPlainTcp) socket.resetAndDestroy()
  else socket.destroy()
}
