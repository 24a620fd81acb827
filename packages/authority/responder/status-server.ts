import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { answerInTurn } from '@datapunk/protocol'
import { urlKeyOf } from '../revoked/list-url.ts'
import type { Reader } from '../store/contract.ts'
import { ListShelf } from './list-shelf.ts'
import { giveShelved, type LogShelf } from './log-shelf.ts'
import type { OcspReply, OcspResponder } from './ocsp-responder.ts'
import { isNotModified } from './validators.ts'

/** As `parseOcspRequest` takes it. */
const MAX_REQUEST_BYTES = 16 * 1024

/** RFC 9919 6: a GET is for requests of up to 255 bytes in base64; more is tolerated, not everything. */
const MAX_PATH = 2048

const HEADERS_TIMEOUT = 5_000
const REQUEST_TIMEOUT = 10_000
const MAX_CONNECTIONS = 4_096

export interface StatusServerOptions {
  readonly store: Reader
  readonly ocsp: OcspResponder
  readonly logs: LogShelf
  readonly clock: () => number
}

/**
 * What anybody may ask of the authority, over plain HTTP because all of it is signed:
 *
 *     GET  /crl/KEY.crl       the revocation list of a CA, DER                      RFC 5280 4.2.1.13
 *     GET  /ca/KEY.cer        its certificate, DER                                  RFC 5280 4.2.2.1
 *     POST /ocsp              an OCSP request, DER                                  RFC 6960 appendix A
 *     GET  /ocsp/BASE64       the same, in base64 and then percent-encoded          RFC 9919 6
 *     GET  /log/…             the transparency logs (`log-shelf.ts`)                C2SP static-ct-api
 */
export function statusServer(options: StatusServerOptions): Server {
  const limits = { headersTimeout: HEADERS_TIMEOUT, requestTimeout: REQUEST_TIMEOUT }
  const lists = new ListShelf(options.store)
  const inTurn = answerInTurn((request, response) => {
    response.on('error', () => {})
    answer({ ...options, lists }, request, response).catch(() => response.destroy())
  })
  const server = createServer(limits, inTurn)
  server.maxConnections = MAX_CONNECTIONS
  return server
}

async function answer(
  { store, ocsp, logs, lists, clock }: StatusServerOptions & { readonly lists: ListShelf },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = '', url = '/' } = request
  const path = url.split('?', 1)[0]!
  const isGet = method === 'GET' || method === 'HEAD'
  if (path.length > MAX_PATH) return void response.writeHead(414).end()
  const isOcsp = path === '/ocsp' || path === '/ocsp/'
  if (method === 'POST' && isOcsp) {
    const body = await bodyOf(request)
    if (body === undefined) return void response.writeHead(413, { connection: 'close' }).end()
    return giveOcsp(request, response, { reply: await ocsp.answer(body), now: clock() })
  }
  if (isGet && path.startsWith('/ocsp/')) {
    const reply = await ocsp.answer(requestIn(path.slice('/ocsp/'.length)))
    return giveOcsp(request, response, { reply, now: clock() })
  }
  if (isGet && path.startsWith('/log/')) return giveShelved(response, await logs.find(path))
  if (isGet && path.startsWith('/crl/')) return giveList(request, response, { lists, path, now: clock() })
  const key = /^\/ca\/([0-9a-f]{16})\.cer$/.exec(path)?.[1]
  const ca =
    isGet && key ? store.slots().find((slot) => slot.certificate && urlKeyOf(slot) === key) : undefined
  if (ca?.certificate !== undefined) {
    response.writeHead(200, ['content-type', 'application/pkix-cert'])
    return void response.end(method === 'HEAD' ? undefined : ca.certificate)
  }
  if (isGet || method === 'POST') return void response.writeHead(404).end()
  response.writeHead(405, ['allow', isOcsp ? 'GET, HEAD, POST' : 'GET, HEAD']).end()
}

/** Base64 that can't be read is a request that can't. */
function requestIn(path: string): Uint8Array {
  try {
    return Buffer.from(decodeURIComponent(path), 'base64')
  } catch {
    return new Uint8Array()
  }
}

function bodyOf(request: IncomingMessage): Promise<Uint8Array | undefined> {
  const { promise, resolve } = Promise.withResolvers<Uint8Array | undefined>()
  const chunks: Uint8Array[] = []
  let size = 0
  request.on('data', (chunk: Uint8Array) => {
    size += chunk.byteLength
    if (size > MAX_REQUEST_BYTES) resolve(undefined)
    else chunks.push(chunk)
  })
  request.on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)))
  request.on('close', () => resolve(undefined))
  return promise
}

/** RFC 9919 7.2: what is signed for everybody says for how long it may be kept; nothing else may be. */
function giveOcsp(
  { method, headers: asked }: IncomingMessage,
  response: ServerResponse,
  { reply, now }: { readonly reply: OcspReply; readonly now: number },
): void {
  const { der, times } = reply
  if (times === undefined) return void response.writeHead(200, [...OCSP_TYPE, ...NOT_KEPT]).end(der)
  const etag = etagOf(reply)
  const headers = [...lastingOf(times, etag), ...maxAge(times, now)]
  if (method !== 'POST' && isNotModified(asked, { etag, modified: times.thisUpdate }))
    return void response.writeHead(304, headers).end()
  response.writeHead(200, [...OCSP_TYPE, ...headers]).end(der)
}

const OCSP_TYPE = ['content-type', 'application/ocsp-response']
const NOT_KEPT = ['cache-control', 'no-store']

/** Many come for the headers of a list, or with the one that they have: for them none is read. */
function giveList(
  { method, headers: asked }: IncomingMessage,
  response: ServerResponse,
  { lists, path, now }: { readonly lists: ListShelf; readonly path: string; readonly now: number },
): void {
  const found = lists.find(path)
  const isKnown = found && isNotModified(asked, { etag: found.etag, modified: found.head.thisUpdate })
  const whole = found === undefined || isKnown || method === 'HEAD' ? undefined : lists.whole(found)
  const list = whole?.list ?? found
  if (list === undefined) return void response.writeHead(404).end()
  const headers = [...lastingOf(list.head, list.etag), ...maxAge(list.head, now)]
  if (isKnown) return void response.writeHead(304, headers).end()
  const about = ['content-type', 'application/pkix-crl', 'content-length', `${list.size}`]
  response.writeHead(200, [...about, ...headers]).end(whole?.der)
}

/** Of an answer that is given again and again. */
function etagOf(reply: OcspReply): string {
  const etag = etags.get(reply) ?? `"${createHash('sha256').update(reply.der).digest('hex')}"`
  etags.set(reply, etag)
  return etag
}

const etags = new WeakMap<OcspReply, string>()

type Times = NonNullable<OcspReply['times']>

function lastingOf({ thisUpdate, nextUpdate }: Times, etag: string): string[] {
  return [
    ...['last-modified', new Date(thisUpdate).toUTCString()],
    ...['expires', new Date(nextUpdate).toUTCString()],
    ...['etag', etag],
  ]
}

/** A cache asks again at half of what is left, so that nobody is given what is about to end. */
function maxAge({ nextUpdate }: Times, now: number): string[] {
  const age = Math.max(0, Math.floor((nextUpdate - now) / 2000))
  return ['cache-control', `max-age=${age},public,no-transform,must-revalidate`]
}
