import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2'
import type { TLSSocket } from 'node:tls'
import type { Clock } from '../clock.ts'
import type { Refusal } from '../refusal.ts'

/** Milliseconds in which a refused member can send its request and take its answer. */
const PATIENCE = 5000

const refusalOfSocket = Symbol('refusal')

type Request = IncomingMessage | Http2ServerRequest
type Response = ServerResponse | Http2ServerResponse

/**
 * Tells a member that it may not call: 403 in the protocol it came with, and the end. It is a server of its own that never
 * listens, so that neither the application's handlers nor its settings have any part in it.
 */
export class ForbiddenAnswer {
  readonly #server: Http2SecureServer
  readonly #clock: Clock
  readonly #open = new Set<TLSSocket>()

  constructor(clock: Clock) {
    this.#clock = clock
    this.#server = createSecureServer({ allowHTTP1: true }, (request, response) => answer(request, response))
    this.#server.on('sessionError', () => {})
  }

  give(socket: TLSSocket, refusal: Refusal): void {
    Object.defineProperty(socket, refusalOfSocket, { value: refusal })
    this.#open.add(socket)
    const cancel = this.#clock.after(PATIENCE, () => socket.destroy())
    socket.on('error', () => {})
    socket.once('close', () => {
      cancel()
      this.#open.delete(socket)
    })
    this.#server.emit('secureConnection', socket)
  }

  endAll(): void {
    for (const socket of this.#open) socket.destroy()
  }
}

/** RFC 9457. */
export function forbiddenProblem({ self, peer, message, fix, rule, why }: Refusal): string {
  const title = 'This caller may not call this service'
  return JSON.stringify({
    title,
    status: 403,
    detail: message,
    code: rule,
    caller: peer.service,
    callee: self.service,
    fix,
    why,
  })
}

function answer(request: Request, response: Response): void {
  const isHttp2 = 'stream' in request && request.stream !== undefined
  const socket = (isHttp2 ? request.stream.session?.socket : request.socket) as
    | { [refusalOfSocket]?: Refusal }
    | undefined
  const refusal = socket?.[refusalOfSocket]
  response.statusCode = 403
  response.setHeader('content-type', 'application/problem+json')
  if (!isHttp2) response.setHeader('connection', 'close')
  response.end(refusal === undefined ? '' : forbiddenProblem(refusal))
  if (isHttp2) request.stream.session?.close()
}
