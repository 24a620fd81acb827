import type { EventEmitter } from 'node:events'
import type { ServerHttp2Session } from 'node:http2'

/** How many requests are under way on a connection that has such. */
interface Requests {
  underWay: number
}

/** A property, as for `peer.ts`: http2 shows a session's socket through a proxy. The symbol never leaves this file. */
const requests = Symbol('requests')

type Carrier = { [requests]?: Requests | undefined }

/** Of a connection whose protocol has requests: they are counted from here on. */
export function expectRequests(socket: object): void {
  ;(socket as Carrier)[requests] = { underWay: 0 }
}

/** It has become something else, of which nothing is known: a web socket, a tunnel. */
export function expectNoRequests(socket: object): void {
  ;(socket as Carrier)[requests] = undefined
}

/** @param answer closes when the request is done with */
export function countRequest(socket: object, answer: EventEmitter): void {
  count((socket as Carrier)[requests], answer)
}

export function countStreams(session: ServerHttp2Session): void {
  const own = (session.socket as Carrier)[requests]
  session.prependListener('stream', (stream) => count(own, stream))
}

/** Whether all that was asked has been answered, as far as is known. */
export function isBetweenRequests(socket: object): boolean {
  return (socket as Carrier)[requests]?.underWay === 0
}

function count(own: Requests | undefined, answer: EventEmitter): void {
  if (own === undefined) return
  own.underWay++
  answer.once('close', () => {
    own.underWay--
  })
}
