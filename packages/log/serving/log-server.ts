import { hash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { answerInTurn, type Layout } from '@datapunk/protocol'
import { shownHeaders, shownObject } from '@datapunk/tlog'
import { DiskStore } from '../disk-store.ts'
import { LogError } from '../log-error.ts'
import type { SubmissionKind, TransparencyLog } from '../transparency-log.ts'
import { bodySignedFor, type Doorway, notTheAuthority } from './authority-word.ts'
import { aboutLog } from './log-description.ts'
import { refusalOf } from './refusal.ts'
import { sctDocument } from './sct-json.ts'
import { announcedLength, chainIn, readBody } from './submission-body.ts'

/** Milliseconds. */
const PATIENCE = 10_000
const MAX_CONNECTIONS = 1_024
/** Bodies that are read at the same time: some hundred kB each. */
const MAX_BODIES = 256

export interface LogServerOptions extends Doorway {
  readonly log: TransparencyLog
  /** Where the logs lie: those that have ended are shown too. */
  readonly layout: Pick<Layout, 'log'>
  /** Told why a request was not answered as it wanted. */
  readonly onRefused: (error: unknown) => void
  /** How long a request may take to arrive, milliseconds; 10 s unless told. */
  readonly patience?: number
}

/**
 * A log over plain HTTP: what anybody reads of it is signed, and what it is sent is signed too.
 *
 *     GET  /log/ID/checkpoint, tile/…, issuer/…   what the log shows            C2SP static-ct-api, "Monitoring APIs"
 *     GET  /log/ID/log.v3.json                    its key and its URLs
 *     GET  /log/ID/ct/v1/get-roots                whose chains it takes         RFC 6962 4.7
 *     POST /log/ID/ct/v1/add-chain                of the authority alone        RFC 6962 4.1
 *     POST /log/ID/ct/v1/add-pre-chain            the same                      RFC 6962 4.2
 */
export function logServer(options: LogServerOptions): Server {
  const { patience = PATIENCE } = options
  const timeouts = { headersTimeout: patience / 2, requestTimeout: patience }
  const server = createServer({ ...timeouts, connectionsCheckingInterval: patience / 10 })
  server.maxConnections = MAX_CONNECTIONS
  const serving = new Serving(options)
  const answer = answerInTurn((request, response) => {
    response.on('error', () => {})
    serving.answer(request, response).catch((error) => {
      options.onRefused(error)
      refuse(response, error)
    })
  })
  server.on('request', answer)
  return server
}

const kinds: Readonly<Record<string, SubmissionKind>> = {
  'ct/v1/add-chain': 'chain',
  'ct/v1/add-pre-chain': 'pre-chain',
}

class Serving {
  readonly #options: LogServerOptions
  #bodies = 0

  constructor(options: LogServerOptions) {
    this.#options = options
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, url = '/' } = request
    const [, id, name] = /^\/log\/([0-9a-f]{32})\/([^?]+)/.exec(url) ?? []
    if (id === undefined || name === undefined) return notThere(response)
    const isOpen = this.#options.log.id.startsWith(id)
    const kind = isOpen ? kinds[name] : undefined
    if (method === 'POST' && kind !== undefined) return this.#take(request, response, kind)
    if (method !== 'GET' && method !== 'HEAD')
      return void response.writeHead(405, { allow: 'GET, HEAD' }).end()
    if (isOpen && name === 'log.v3.json') return giveJson(response, aboutLog(this.#options.log))
    if (isOpen && name === 'ct/v1/get-roots') return giveJson(response, await this.#roots())
    return this.#show(response, id, name)
  }

  async #take(request: IncomingMessage, response: ServerResponse, kind: SubmissionKind): Promise<void> {
    const { log } = this.#options
    // 1 Not a byte is read of what is too large, or what the authority has not signed for.
    const length = announcedLength(request)
    const digest = await bodySignedFor(request.headers.authorization, kind, this.#options)
    // 2 What it has signed for is read.
    const body = await this.#bodyOf(request, length)
    if (hash('sha256', body) !== digest) throw notTheAuthority('it has signed for another body')
    // 3 Judged, and durable.
    giveJson(response, sctDocument(await log.submit(chainIn(body), kind)))
  }

  async #bodyOf(request: IncomingMessage, length: number): Promise<Uint8Array> {
    if (this.#bodies >= MAX_BODIES)
      throw new LogError('LOG_BUSY', `${this.#bodies} submissions are read already: try again later`)
    this.#bodies++
    try {
      return await readBody(request, length)
    } finally {
      this.#bodies--
    }
  }

  /** Roots are no secret. */
  async #roots(): Promise<{ readonly certificates: readonly string[] }> {
    const { trusted } = this.#options.log
    await trusted.refresh()
    return { certificates: trusted.roots.map(({ der }) => Buffer.from(der).toString('base64')) }
  }

  async #show(response: ServerResponse, id: string, name: string): Promise<void> {
    const object = shownObject(name)
    const octets = object && (await new DiskStore(this.#options.layout.log(id).public).read(name))
    if (object === undefined || octets === undefined) return notThere(response)
    response.writeHead(200, shownHeaders(object, octets.byteLength)).end(octets)
  }
}

function giveJson(response: ServerResponse, document: object): void {
  const octets = Buffer.from(JSON.stringify(document))
  const headers = shownHeaders({ type: 'application/json', caching: 'no-store' }, octets.byteLength)
  response.writeHead(200, headers).end(octets)
}

/** What isn't there now may be there soon: nobody keeps that answer. */
function notThere(response: ServerResponse): void {
  response.writeHead(404, { 'cache-control': 'no-store' }).end()
}

/** A body that was not read is not waited for. */
function refuse(response: ServerResponse, error: unknown): void {
  if (response.headersSent) return void response.destroy()
  const { status, retryAfter, message } = refusalOf(error)
  const octets = Buffer.from(JSON.stringify({ error_message: message }))
  const headers = shownHeaders({ type: 'application/json', caching: 'no-store' }, octets.byteLength)
  const more = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }
  response.writeHead(status, { ...headers, ...more, connection: 'close' }).end(octets)
}
