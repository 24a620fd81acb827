import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { gzip } from 'node:zlib'
import type { ConsoleProblem } from '@datapunk/protocol/console'
import type { ConsoleError, ConsoleErrorCode } from '../error.ts'
import type { PageFile } from './page-files.ts'

const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types lit-html',
].join('; ')

/** On every answer. */
export const safeHeaders = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=()',
  'cache-control': 'no-store',
} as const

const statuses: Readonly<Record<ConsoleErrorCode, number>> = {
  NO_SESSION: 401,
  LINK_INVALID: 403,
  READ_ONLY: 403,
  ORIGIN_REFUSED: 403,
  HOST_REFUSED: 421,
  REQUEST_INVALID: 400,
  NOT_FOUND: 404,
  TOO_MANY_STREAMS: 429,
  LISTEN_FAILED: 500,
  NOT_DONE: 409,
}

/** Fewer octets than this are not made less. */
const WORTH_GZIP = 1400

export function answerFile(response: ServerResponse, file: PageFile, takesGzip: boolean): void {
  const content = takesGzip ? file.gzipped : file.content
  send(response, 200, content, { 'content-type': file.type, ...(takesGzip && GZIP) })
}

export function answerJson(response: ServerResponse, value: unknown, takesGzip: boolean): void {
  const content = Buffer.from(JSON.stringify(value))
  const headers = { 'content-type': 'application/json' }
  if (!takesGzip || content.byteLength < WORTH_GZIP) {
    send(response, 200, content, headers)
    return
  }
  gzip(content, (error, gzipped) => {
    if (error === null) send(response, 200, gzipped, { ...headers, ...GZIP })
    else response.destroy(error)
  })
}

export function answerError(response: ServerResponse, { code, message }: ConsoleError): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  const content = Buffer.from(JSON.stringify({ code, message } satisfies ConsoleProblem))
  // What was sent and not read is not waited for.
  send(response, statuses[code], content, { 'content-type': 'application/json', connection: 'close' })
}

export const GZIP = { 'content-encoding': 'gzip' } as const

function send(response: ServerResponse, status: number, content: Uint8Array, headers: OutgoingHttpHeaders) {
  response.writeHead(status, { ...safeHeaders, ...headers, 'content-length': content.byteLength })
  response.end(response.req.method === 'HEAD' ? undefined : content)
}
