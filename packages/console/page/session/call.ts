import type { ConsoleProblem, ConsoleSession } from '@datapunk/protocol/console'
import { PageError, type PageErrorCode } from '../page-error.ts'

export interface CallOptions {
  readonly method?: 'GET' | 'POST' | 'DELETE'
  /** Sent as JSON. */
  readonly body?: unknown
  readonly signal?: AbortSignal
}

/** Asks the console for something. @throws PageError `CONSOLE_UNREACHABLE`, `SESSION_ENDED`, `NOT_FOUND`, `REFUSED` */
export type Call = (path: string, options?: CallOptions) => Promise<Response>

const JSON_TYPE = { 'content-type': 'application/json' }

/** Calls of one session. */
export function callsOf(session: string): Call {
  return (path, options) => ask(path, { authorization: `Bearer ${session}` }, options)
}

/**
 * @param by the token of a link; nothing where a certificate says who it is
 * @throws PageError `REFUSED` the link was used, or has ended; `CONSOLE_UNREACHABLE`
 */
export async function logIn(by: { readonly token?: string }): Promise<ConsoleSession> {
  return (await ask('/api/session', {}, { method: 'POST', body: by })).json()
}

async function ask(
  path: string,
  headers: Readonly<Record<string, string>>,
  { method = 'GET', body, signal }: CallOptions = {},
): Promise<Response> {
  const response = await fetch(path, {
    method,
    headers: { ...headers, ...(body !== undefined && JSON_TYPE) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(signal && { signal }),
  }).catch((cause) => {
    throw new PageError('CONSOLE_UNREACHABLE', 'The console does not answer; `mtls up` serves it.', {
      cause,
    })
  })
  if (response.ok) return response
  throw new PageError(codes[response.status] ?? 'REFUSED', await problemOf(response))
}

const codes: Readonly<Record<number, PageErrorCode>> = { 401: 'SESSION_ENDED', 404: 'NOT_FOUND' }

async function problemOf(response: Response): Promise<string> {
  const problem: Partial<ConsoleProblem> = await response.json().catch(() => ({}))
  return problem.message ?? `the console answered with status ${response.status}`
}

/** A body's text, as it comes. */
export async function* piecesOf({ body }: Response): AsyncGenerator<string, void, undefined> {
  const reader = body!.pipeThrough(new TextDecoderStream()).getReader()
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) yield piece.value
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}
