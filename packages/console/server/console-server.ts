import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  actionRequest,
  type ConsoleAction,
  loginRequest,
  pageQuery,
  proofQuery,
  serviceQuery,
} from '@datapunk/protocol/console'
import type { z } from 'zod'
import { ConsoleError } from '../error.ts'
import type { ConsoleSource } from '../source.ts'
import { answerError, answerFile, answerJson } from './answer.ts'
import { type PageFile, pageFiles } from './page-files.ts'
import { PageStreams } from './page-stream.ts'
import { type ConsolePlace, checkRequest, isCall } from './request-guard.ts'
import type { SessionRights, Sessions } from './sessions.ts'

export interface ConsoleServerOptions {
  readonly source: ConsoleSource
  readonly sessions: Sessions
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  readonly host: string
  /** 0: any that is free. */
  readonly port: number
  /** Milliseconds for the headers, and for the whole, of a request; 5 and 10 s unless given. */
  readonly headersWithin?: number
  readonly requestWithin?: number
}

export interface ConsoleServer {
  readonly address: AddressInfo
  /** `http://127.0.0.1:7483`. */
  readonly url: string
  close(): Promise<void>
}

/** An action is some hundred octets. */
const MAX_BODY = 16 * 1024

/** More than the pages that are open, and what each asks for besides. */
const MAX_CONNECTIONS = 256

/**
 * Serves the page and what it asks for.
 *
 * @throws ConsoleError `LISTEN_FAILED`
 */
export async function serveConsole(options: ConsoleServerOptions): Promise<ConsoleServer> {
  const { source, clock, host, port, headersWithin = 5000, requestWithin = 10_000 } = options
  const server = createServer({
    headersTimeout: headersWithin,
    requestTimeout: requestWithin,
    connectionsCheckingInterval: Math.min(1000, headersWithin),
    maxHeaderSize: 8 * 1024,
  })
  server.maxConnections = MAX_CONNECTIONS
  const streams = new PageStreams(source.live, clock)
  const address = await listening(server, host, port)
  const hosts = hostsOf(host, address.port)
  const [own = ''] = hosts
  const desk = new Desk({ ...options, streams, files: pageFiles(), place: { scheme: 'http', hosts } })
  server.on('request', (request, response) => void desk.answer(request, response))
  return {
    address,
    url: `http://${own}`,
    async close() {
      streams.endAll()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function listening(server: Server, host: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) =>
      reject(
        new ConsoleError('LISTEN_FAILED', `can’t serve the console at ${host}:${port}: ${cause.message}`, {
          cause,
        }),
      ),
    )
    server.listen({ host, port }, () => resolve(server.address() as AddressInfo))
  })
}

/** The names under which this host is reached by itself. */
function hostsOf(host: string, port: number): ReadonlySet<string> {
  const own = host.includes(':') ? `[${host}]` : host
  return new Set([own, 'localhost', '127.0.0.1', '[::1]'].map((name) => `${name}:${port}`))
}

interface DeskOptions extends ConsoleServerOptions {
  readonly streams: PageStreams
  readonly files: ReadonlyMap<string, PageFile>
  readonly place: ConsolePlace
}

/** Of one call, what it was asked with. */
interface Asked {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly query: Readonly<Record<string, string>>
  readonly session: string
  readonly rights: SessionRights
}

type Call = (asked: Asked) => Promise<unknown> | unknown

/** Answered by the call itself. */
const ANSWERED = Symbol('answered')

/** Answers each request, or refuses it. */
class Desk {
  readonly #options: DeskOptions
  readonly #calls: ReadonlyMap<string, Call>

  constructor(options: DeskOptions) {
    this.#options = options
    const { source, sessions, streams } = options
    this.#calls = new Map<string, Call>([
      [
        'GET /api/stream',
        ({ request, response, session }) => {
          const isGood = () => sessions.find(session) !== undefined
          streams.open(response, session, isGood, takesGzip(request))
          return ANSWERED
        },
      ],
      ['GET /api/service', ({ query }) => source.service(parsed(serviceQuery, query).service)],
      ['GET /api/audit', ({ query }) => source.audit(parsed(pageQuery, query).before)],
      ['GET /api/log', ({ query }) => source.log(parsed(pageQuery, query).before)],
      ['GET /api/proof', ({ query }) => source.proof(parsed(proofQuery, query).serial)],
      ['POST /api/plan', async ({ request }) => source.plan(await actionOf(request))],
      [
        'POST /api/act',
        async ({ request, rights }) => {
          const action = await actionOf(request)
          if (!rights.readOnly) return source.act(action, undefined)
          throw new ConsoleError(
            'READ_ONLY',
            'this session may only look; allowed: a link of `mtls console` without --read-only',
          )
        },
      ],
      [
        'DELETE /api/session',
        ({ session }) => {
          sessions.logOut(session)
          streams.end(session)
          return {}
        },
      ],
    ])
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      checkRequest(request, this.#options.place)
      if (isCall(request.url)) await this.#call(request, response)
      else this.#file(request, response)
    } catch (error) {
      answerError(response, refusalOf(error))
    }
  }

  #file(request: IncomingMessage, response: ServerResponse): void {
    const file = this.#options.files.get(request.url ?? '')
    if (file === undefined || (request.method !== 'GET' && request.method !== 'HEAD')) throw notFound()
    answerFile(response, file, takesGzip(request))
  }

  async #call(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://console')
    const name = `${request.method} ${pathname}`
    const { sessions } = this.#options
    if (name === 'POST /api/session') {
      const { token } = parsed(loginRequest, await jsonOf(request))
      answerJson(response, sessions.logIn(token), false)
      return
    }
    // Whoever has no session is not told what there is.
    const session = bearerOf(request)
    const rights = sessions.find(session)
    if (rights === undefined)
      throw new ConsoleError(
        'NO_SESSION',
        'found no session, or one that has ended; allowed: a link that `mtls console` prints',
      )
    const call = this.#calls.get(name)
    if (call === undefined) throw notFound()
    const query = Object.fromEntries(searchParams)
    const result = await call({ request, response, query, session, rights })
    if (result === ANSWERED) return
    if (result === undefined) throw notFound()
    answerJson(response, result, takesGzip(request))
  }
}

function notFound(): ConsoleError {
  return new ConsoleError('NOT_FOUND', 'there is nothing of that name')
}

function takesGzip({ headers }: IncomingMessage): boolean {
  return /\bgzip\b/.test(String(headers['accept-encoding'] ?? ''))
}

function bearerOf({ headers }: IncomingMessage): string {
  return /^Bearer ([A-Za-z0-9_-]{43})$/.exec(headers.authorization ?? '')?.[1] ?? ''
}

async function actionOf(request: IncomingMessage): Promise<ConsoleAction> {
  return parsed(actionRequest, await jsonOf(request))
}

async function jsonOf(request: IncomingMessage): Promise<unknown> {
  if (request.headers['content-type'] !== 'application/json')
    throw invalid('found a body of another type; allowed: application/json')
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength
    if (size > MAX_BODY) throw invalid(`found more than ${MAX_BODY} octets; allowed: so many`)
    chunks.push(chunk)
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)))
  } catch (cause) {
    throw invalid('found no JSON in UTF-8', cause)
  }
}

function parsed<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw invalid(`found another shape at ${JSON.stringify(issue?.path.join('.') ?? '')}`, result.error)
}

function invalid(message: string, cause?: unknown): ConsoleError {
  return new ConsoleError('REQUEST_INVALID', message, { cause })
}

/** What comes from the authority has a message for people; anything else is a fault of ours, and says nothing outside. */
function refusalOf(error: unknown): ConsoleError {
  if (error instanceof ConsoleError) return error
  const { code, message } = error as { code?: unknown; message?: unknown }
  if (typeof code === 'string' && typeof message === 'string')
    return new ConsoleError('NOT_DONE', message, { cause: error })
  return new ConsoleError('NOT_DONE', 'that went wrong here; `mtls events` and `mtls doctor` say more', {
    cause: error,
  })
}
