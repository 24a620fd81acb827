import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { addressText, answerInTurn } from '@datapunk/protocol'
import {
  actionRequest,
  type ConsoleAction,
  type ConsoleSession,
  loginRequest,
  operatorLoginRequest,
  pageQuery,
  proofQuery,
  serviceQuery,
} from '@datapunk/protocol/console'
import type { z } from 'zod'
import type { ConsoleEntrance, Visitor } from '../entrance.ts'
import { ConsoleError } from '../error.ts'
import { answerError, answerFile, answerJson } from './answer.ts'
import { codingFor } from './coding.ts'
import { type ConsolePlace, placeElsewhere, placeHere, urlOf } from './console-place.ts'
import { type PageFile, pageFiles } from './page-files.ts'
import { PageStreams } from './page-stream.ts'
import { checkRequest, isCall } from './request-guard.ts'
import type { SessionRights, Sessions } from './sessions.ts'
import type { ConsoleSource } from './source.ts'
import { Visitors } from './visitors.ts'

export interface ConsoleServerOptions {
  readonly source: ConsoleSource
  readonly sessions: Sessions
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  /** Where others reach it too: then it speaks mutual TLS, and to whom this lets in. Undefined: plain HTTP, for this machine alone. */
  readonly entrance?: ConsoleEntrance | undefined
  readonly host: string
  /** 0: any that is free. */
  readonly port: number
  /** Milliseconds for the headers, and for the handshake before them, and for the whole of a request; 5 and 10 s unless given. */
  readonly headersWithin?: number
  readonly requestWithin?: number
}

export interface ConsoleServer {
  readonly address: AddressInfo
  /** `http://127.0.0.1:7483`, or `https://authority.service.datapunk:7483`. */
  readonly url: string
  close(): Promise<void>
}

/** An action is some hundred octets. */
const MAX_BODY = 16 * 1024

/** As many as fifteen operators have at the most, and those who shake hands. */
const MAX_CONNECTIONS = 1024

/**
 * Serves the page and what it asks for.
 *
 * @throws ConsoleError `LISTEN_FAILED`
 */
export async function serveConsole(options: ConsoleServerOptions): Promise<ConsoleServer> {
  const { source, clock, entrance, host, port, headersWithin = 5000, requestWithin = 10_000 } = options
  const limits = {
    headersTimeout: headersWithin,
    requestTimeout: requestWithin,
    connectionsCheckingInterval: Math.min(1000, headersWithin),
    maxHeaderSize: 8 * 1024,
  }
  const visitors = entrance && new Visitors(entrance, { ...limits, handshakeTimeout: headersWithin })
  const server = visitors?.server ?? createServer(limits)
  server.maxConnections = MAX_CONNECTIONS
  const streams = new PageStreams(source.live, clock)
  const address = await listening(server, host, port).catch((error) => {
    visitors?.close()
    throw error
  })
  const place = entrance ? placeElsewhere(entrance.names, address.port) : placeHere(host, address.port)
  const desk = new Desk({ ...options, streams, visitors, place, files: pageFiles() })
  const answer = answerInTurn((request, response) => void desk.answer(request, response))
  server.on('request', answer)
  return {
    address,
    url: urlOf(place),
    async close() {
      streams.endAll()
      visitors?.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function listening(server: Server, host: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    // Also later: a connection that could not be accepted, for want of files, ends no process.
    server.on('error', (cause) =>
      reject(
        new ConsoleError(
          'LISTEN_FAILED',
          `can’t serve the console at ${addressText(host, port)}: ${cause.message}`,
          {
            cause,
          },
        ),
      ),
    )
    server.listen({ host, port }, () => resolve(server.address() as AddressInfo))
  })
}

interface DeskOptions extends ConsoleServerOptions {
  readonly streams: PageStreams
  /** Undefined on this machine alone. */
  readonly visitors: Visitors | undefined
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
  /** Undefined: somebody on this machine. */
  readonly visitor: Visitor | undefined
}

type Call = (asked: Asked) => Promise<unknown> | unknown

/** A year (RFC 6797): nobody is asked whether another certificate will do. */
const STRICT_TRANSPORT = 'max-age=31536000'

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
        ({ request, response, session, visitor }) => {
          // Visitors themselves close whoever is let in no more.
          const isGood = () => sessions.find(session, visitor) !== undefined
          streams.open(response, { session, operator: visitor?.operator }, isGood, codingFor(request))
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
        async ({ request, rights, visitor }) => {
          const action = await actionOf(request)
          if (!rights.readOnly) return source.act(action, visitor?.operator)
          throw readOnly(visitor)
        },
      ],
      [
        'DELETE /api/session',
        ({ session }) => {
          try {
            sessions.logOut(session)
          } finally {
            streams.end(session)
          }
          return {}
        },
      ],
    ])
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { place, visitors } = this.#options
    const visitor = visitors?.of(request.socket as TLSSocket)
    if (visitors !== undefined && visitor === undefined) return
    try {
      if (place.scheme === 'https') response.setHeader('strict-transport-security', STRICT_TRANSPORT)
      checkRequest(request, place)
      if (isCall(request.url)) await this.#call(request, response, visitor)
      else this.#file(request, response)
    } catch (error) {
      answerError(response, refusalOf(error))
    }
  }

  #logIn(body: unknown, visitor: Visitor | undefined): ConsoleSession {
    const { sessions } = this.#options
    if (visitor === undefined) return sessions.logIn(parsed(loginRequest, body).token)
    parsed(operatorLoginRequest, body)
    return sessions.logInOperator(visitor)
  }

  #file(request: IncomingMessage, response: ServerResponse): void {
    const file = this.#options.files.get(request.url ?? '')
    if (file === undefined || (request.method !== 'GET' && request.method !== 'HEAD')) throw notFound()
    answerFile(response, file, codingFor(request))
  }

  async #call(
    request: IncomingMessage,
    response: ServerResponse,
    visitor: Visitor | undefined,
  ): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://console')
    const name = `${request.method} ${pathname}`
    const { sessions } = this.#options
    if (name === 'POST /api/session') {
      answerJson(response, this.#logIn(await jsonOf(request), visitor), 'identity')
      return
    }
    // Whoever has no session is not told what there is.
    const session = bearerOf(request)
    const rights = sessions.find(session, visitor)
    if (rights === undefined) throw noSession(visitor)
    const call = this.#calls.get(name)
    if (call === undefined) throw notFound()
    const query = Object.fromEntries(searchParams)
    const result = await call({ request, response, query, session, rights, visitor })
    if (result === ANSWERED) return
    if (result === undefined) throw notFound()
    answerJson(response, result, codingFor(request))
  }
}

/** Of an operator the certificate has said who it is; anybody else has a link. */
function noSession(visitor: Visitor | undefined): ConsoleError {
  const allowed = visitor ? 'a new one: load the page again' : 'a link that `mtls console` prints'
  return new ConsoleError('NO_SESSION', `found no session, or one that has ended; allowed: ${allowed}`)
}

function readOnly(visitor: Visitor | undefined): ConsoleError {
  const allowed = visitor
    ? `operators.${visitor.operator}.read_only: false in the config, and a new session`
    : 'a link of `mtls console` without --read-only'
  return new ConsoleError('READ_ONLY', `this session may only look; allowed: ${allowed}`)
}

function notFound(): ConsoleError {
  return new ConsoleError('NOT_FOUND', 'there is nothing of that name')
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
