import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ServerHttp2Session } from 'node:http2'

/** How a connection is asked to end by itself, without a request being lost. */
interface Drainable {
  isDraining: boolean
  /** Asks at once, where the protocol can; else the next answer tells. */
  ask: () => void
}

/** A property, as for `peer.ts`: http2 shows a session's socket through a proxy. The symbol never leaves this file. */
const drainable = Symbol('drainable')

type Carrier = { [drainable]?: Drainable }

export function makeDrainable(socket: object): void {
  ;(socket as Carrier)[drainable] = { isDraining: false, ask: () => {} }
}

/**
 * No new request from now on; those under way go on. Raw TLS and web sockets know no such thing: they go on to their end, of which the
 * application is told.
 */
export function drain(socket: object): void {
  const state = (socket as Carrier)[drainable]
  if (state === undefined) return
  state.isDraining = true
  state.ask()
}

/** HTTP/2: GOAWAY (RFC 9113 6.8). */
export function drainBySession(session: ServerHttp2Session): void {
  const state = (session.socket as Carrier | undefined)?.[drainable]
  if (state === undefined) return
  state.ask = () => session.close()
}

/** HTTP/1.1: the next answer is the last one (RFC 9112 9.6). */
export function drainByAnswer(request: IncomingMessage, response: ServerResponse): void {
  if ((request.socket as Carrier)[drainable]?.isDraining) response.setHeader('connection', 'close')
}
