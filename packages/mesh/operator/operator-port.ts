import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, isIP } from 'node:net'
import { answerInTurn, isLoopback, plainAddress } from '@datapunk/protocol'
import { MeshError } from '../error.ts'
import { placeText } from '../place.ts'

/** What whoever runs a process asks of it. */
export interface OperatorSource {
  /** All metrics, in the text format of Prometheus. */
  readonly metrics: () => Promise<{ readonly type: string; readonly text: string }>
  /** Why it does not work and should be started again; undefined where it works. */
  readonly sickness: () => string | undefined
  /** Why it can't do what it is there for now; undefined where it can. */
  readonly unreadiness: () => string | undefined
}

export interface OperatorPlace {
  readonly host: string
  readonly port: number
}

export interface OperatorPort {
  /** Where it listens. */
  readonly place: OperatorPlace
  close(): Promise<void>
}

/** A probe or a scrape is a few hundred octets, and a handful of programs ask. */
const LIMITS = {
  maxHeaderSize: 8 * 1024,
  headersTimeout: 5_000,
  requestTimeout: 5_000,
  keepAliveTimeout: 5_000,
}
const MAX_CONNECTIONS = 64

const PLAIN = 'text/plain; charset=utf-8'

/**
 * Plain HTTP for whoever runs this process:
 *
 *     GET /metrics   the text format of Prometheus
 *     GET /healthz   200, or 503 with the reason: it has to be started again
 *     GET /readyz    200, or 503 with the reason: nobody should be sent here now
 *
 * It keeps no process alive.
 *
 * @param place loopback, and any port that is free, unless told
 * @throws MeshError `LISTEN_FAILED`
 */
export async function serveOperator(
  source: OperatorSource,
  { host = '127.0.0.1', port = 0 }: Partial<OperatorPlace> = {},
): Promise<OperatorPort> {
  const answers = answersOf(source)
  const inTurn = answerInTurn((request, response) => {
    response.on('error', () => {})
    answer(answers, request, response).catch(() => response.destroy())
  })
  const server = createServer(LIMITS, inTurn)
  server.maxConnections = MAX_CONNECTIONS
  server.on('connection', (socket) => socket.unref())
  await listen(server, { host, port })
  server.unref()
  return {
    place: { host, port: (server.address() as AddressInfo).port },
    close: () => {
      const { promise, resolve } = Promise.withResolvers<void>()
      server.close(() => resolve())
      server.closeAllConnections()
      return promise
    },
  }
}

interface Answer {
  readonly status: number
  readonly type: string
  readonly text: string
}

type Answers = Readonly<Record<string, () => Promise<Answer>>>

function answersOf({ metrics, sickness, unreadiness }: OperatorSource): Answers {
  let collecting: ReturnType<typeof metrics> | undefined
  return {
    '/metrics': async () => {
      // Whoever asks while they are gathered gets the same.
      collecting ??= metrics().finally(() => {
        collecting = undefined
      })
      return { status: 200, ...(await collecting) }
    },
    '/healthz': async () => verdict(sickness()),
    '/readyz': async () => verdict(unreadiness()),
  }
}

function verdict(fault: string | undefined): Answer {
  return { status: fault === undefined ? 200 : 503, type: PLAIN, text: `${fault ?? 'ok'}\n` }
}

async function answer(answers: Answers, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = '', url = '' } = request
  const path = url.split('?', 1)[0]!
  if (method !== 'GET' && method !== 'HEAD') return void response.writeHead(405, { allow: 'GET, HEAD' }).end()
  if (!isMeant(request)) return void response.writeHead(421).end()
  if (!Object.hasOwn(answers, path)) return void response.writeHead(404).end()
  const { status, type, text } = await answers[path]!()
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' })
  response.end(method === 'HEAD' ? undefined : text)
}

/**
 * On loopback nobody is called by a name of the Internet: it is a page in a browser, whose name was made to lead here (DNS
 * rebinding), and it is not to read this.
 */
function isMeant({ headers, socket }: IncomingMessage): boolean {
  if (!isLoopback(plainAddress(socket.localAddress ?? ''))) return true
  const host = /^(?:\[([^\]]*)\]|([^:]*))(?::\d+)?$/.exec(headers.host ?? '')
  const name = host?.[1] ?? host?.[2] ?? ''
  return isIP(name) !== 0 || name === 'localhost'
}

function listen(server: Server, place: OperatorPlace): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  // Also later: a connection that could not be accepted, for want of files, ends no process.
  server.on('error', (cause: NodeJS.ErrnoException) =>
    reject(
      new MeshError(
        'LISTEN_FAILED',
        `found ${placeText(place)} not to be had (${cause.code}); allowed: an address of this machine and a free port, or port 0 for any`,
        { cause, data: { ...place } },
      ),
    ),
  )
  server.listen(place, resolve)
  return promise
}
