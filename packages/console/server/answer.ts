import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { ConsoleProblem } from '@datapunk/protocol/console'
import type { ConsoleError, ConsoleErrorCode } from '../error.ts'
import { type Coding, codingHeaders, encoded } from './coding.ts'
import type { PageFile } from './page-files.ts'

/** Of the page. Whatever else is answered shows nothing by itself. */
const PAGE_POLICY = [
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

/** On every answer; there are many scripts, so these are few. */
export const safeHeaders = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
} as const

const pageHeaders = {
  'content-security-policy': PAGE_POLICY,
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=()',
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
  SESSIONS_NOT_KEPT: 500,
  NOT_DONE: 409,
}

/** Fewer octets than this are not made less. */
const WORTH_ENCODING = 1400

export function answerFile(response: ServerResponse, file: PageFile, coding: Coding): void {
  const ofPage = file.isPage ? pageHeaders : {}
  send(response, 200, file.content[coding], {
    'content-type': file.type,
    ...ofPage,
    ...codingHeaders(coding),
  })
}

export function answerJson(response: ServerResponse, value: unknown, coding: Coding): void {
  const content = Buffer.from(JSON.stringify(value))
  const used = content.byteLength < WORTH_ENCODING ? 'identity' : coding
  const headers = { 'content-type': 'application/json', ...codingHeaders(used) }
  send(response, 200, encoded(content, used), headers)
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

function send(response: ServerResponse, status: number, content: Uint8Array, headers: OutgoingHttpHeaders) {
  response.writeHead(status, { ...safeHeaders, ...headers, 'content-length': content.byteLength })
  response.end(response.req.method === 'HEAD' ? undefined : content)
}
