import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { types } from 'node:util'
import type { Peer } from '../gate/peer.ts'
import { peerIn } from '../gate/peer.ts'

/** Says whether a peer may do what it asks for: `true`, and nothing else, lets it. At once: it may not be async. */
export type Authorizer = (peer: Peer) => boolean

/** Every member that the gate let in. It has to be typed out: there is no default that means it. */
export function anyone(): Authorizer {
  return () => true
}

interface FastifyRequest {
  readonly raw: object
}

interface FastifyReply {
  code(status: number): FastifyReply
  type(contentType: string): FastifyReply
  send(payload: string): unknown
}

/** An Express middleware, a step of a handler of node:https or node:http2, and a Fastify `onRequest` hook in one. */
export type AuthorizeHandler = {
  (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void): void
  (request: Http2ServerRequest, response: Http2ServerResponse, next: (error?: unknown) => void): void
  (request: FastifyRequest, reply: FastifyReply, next: (error?: Error) => void): void
}

/**
 * Narrows, for some routes, whom the gate let in already. Others get 403 with an `application/problem+json` (RFC 9457),
 * also whoever came by a plain port, where nobody is known.
 *
 * @param allow service names or SPIFFE IDs, or a function; `anyone()` for every member
 * @throws TypeError where nobody is named, and for a function that is async
 */
export function authorize(allow: readonly string[] | Authorizer): AuthorizeHandler {
  const allows = authorizerOf(allow)
  return (request: object, response: object, next: () => void): void => {
    const peer = peerIn(request)
    if (peer === undefined) {
      forbid(response, 'found a request that did not come through the mesh; allowed: members, through it')
      return
    }
    const answer: unknown = allows(peer)
    if (answer instanceof Promise) throw isAsync()
    if (answer === true) next()
    else
      forbid(
        response,
        `found ${peer.service} calling; allowed: others, by this route's own list`,
        peer.service,
      )
  }
}

function authorizerOf(allow: readonly string[] | Authorizer): Authorizer {
  if (types.isAsyncFunction(allow)) throw isAsync()
  if (typeof allow === 'function') return allow
  if (!Array.isArray(allow) || allow.length === 0 || allow.some((name) => typeof name !== 'string')) {
    throw new TypeError(
      'authorize: found nobody to allow; allowed: a list of services, a function, or anyone()',
    )
  }
  const names = new Set(allow)
  return (peer) => names.has(peer.service) || names.has(peer.spiffeId)
}

/** A promise is as good as true to an `if`, whatever it comes to. */
function isAsync(): TypeError {
  return new TypeError(
    'authorize: found a function that gives a promise; allowed: one that gives true or false at once: await before, and let it look at what came of that',
  )
}

function forbid(response: object, detail: string, caller?: string): void {
  const body = JSON.stringify({
    title: 'This caller may not do this',
    status: 403,
    detail,
    code: 'CALLER_NOT_AUTHORIZED',
    caller,
  })
  const type = 'application/problem+json'
  if ('send' in response && 'code' in response) {
    const reply = response as FastifyReply
    reply.code(403).type(type).send(body)
  } else {
    const plain = response as ServerResponse
    plain.statusCode = 403
    plain.setHeader('content-type', type)
    plain.end(body)
  }
}
