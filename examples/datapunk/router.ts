import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { Problem, sendProblem } from './problem.ts'

export interface Reply {
  /** 200 unless given. */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** A string is sent as it is, anything else as JSON. */
  readonly body: unknown
}

export type Handler = (request: IncomingMessage, url: URL) => Reply | Promise<Reply>

/** A middleware that goes on to `next` or answers by itself, as `mesh.authorize` makes them. */
export type Guard = (request: IncomingMessage, response: ServerResponse, next: () => void) => void

/** By `METHOD /path`. */
export type Routes = Readonly<Record<string, Handler | readonly [Guard, Handler]>>

/** A request listener; whatever its handlers throw becomes an answer. */
export function router(routes: Routes): RequestListener {
  return (request, response) => {
    answer(routes, request, response).catch((error) => {
      if (response.headersSent) response.destroy(error)
      else sendProblem(response, error)
    })
  }
}

async function answer(routes: Routes, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = urlOf(request)
  const route = routeOf(routes, request.method === 'HEAD' ? 'GET' : (request.method ?? ''), url.pathname)
  if (typeof route === 'function') return send(response, await route(request, url))
  const [guard, handler] = route
  // Where the guard answers by itself, this goes on for ever, and nothing holds it.
  await new Promise<void>((next) => guard(request, response, next))
  send(response, await handler(request, url))
}

function urlOf(request: IncomingMessage): URL {
  const url = URL.parse(request.url ?? '', 'http://service')
  if (url !== null) return url
  throw new Problem(400, 'URL_INVALID', 'found a request target that is no URL; allowed: /path?query')
}

function routeOf(routes: Routes, method: string, path: string): Routes[string] {
  const route = Object.hasOwn(routes, `${method} ${path}`) ? routes[`${method} ${path}`] : undefined
  if (route !== undefined) return route
  const known = Object.keys(routes)
  const methods = known.filter((name) => name.endsWith(` ${path}`)).map((name) => name.split(' ')[0])
  if (methods.length === 0) {
    throw new Problem(404, 'NOT_FOUND', `found nothing at ${path}; allowed: ${known.join(', ')}`)
  }
  throw new Problem(405, 'METHOD_NOT_ALLOWED', `found ${method} ${path}; allowed: ${methods.join(', ')}`)
}

function send(response: ServerResponse, { status = 200, headers = {}, body }: Reply): void {
  const text = typeof body === 'string' ? body : `${JSON.stringify(body, undefined, 2)}\n`
  response.writeHead(status, {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
  })
  response.end(text)
}
