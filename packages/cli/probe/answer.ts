import { printableLine } from '@datapunk/authority'
import type { Seen } from './attempt.ts'
import { errorIn } from './postgres.ts'

/** What a server made of a try, in few words: equal words for what is the same to it. */
export interface Outcome {
  readonly text: string
  /** It has heard us, and says that it won't have us; or it has hung up. */
  readonly isRefusal: boolean
  /** Of a problem document (RFC 9457), as the gate answers members that may not call. */
  readonly code?: string | undefined
  /** HTTP. */
  readonly status?: number | undefined
}

/** nginx's own two are sent as 400. */
const REFUSING_STATUS: ReadonlySet<number> = new Set([400, 401, 403, 421, 495, 496])

/** Of SQLSTATE: invalid authorization, and connection exception. */
const REFUSING_STATE = /^(28|08)/

/** As much of a stranger's words as is worth reading. */
const SHOWN = 60

export function outcomeOf({ received, alert, end, error }: Seen): Outcome {
  if (received !== '') return answerIn(received)
  if (alert !== undefined) return { text: `TLS alert ${alert}`, isRefusal: true }
  if (end === 'silent') return { text: 'it neither answered nor hung up', isRefusal: false }
  const isOwnFault = error?.startsWith('ERR_') === true
  if (isOwnFault) return { text: `the handshake failed here (${error})`, isRefusal: false }
  return { text: 'it hung up without a word', isRefusal: true }
}

function answerIn(received: string): Outcome {
  const http = /^HTTP\/\d(?:\.\d)? (\d{3})/.exec(received)
  if (http !== null) return httpAnswer(received, Number(http[1]))
  const error = errorIn(received)
  if (error === undefined) return { text: `the answer ${quoted(received)}`, isRefusal: false }
  const { state, message } = error
  return { text: `PostgreSQL ${state}, ${quoted(message)}`, isRefusal: REFUSING_STATE.test(state) }
}

function httpAnswer(received: string, status: number): Outcome {
  const [head = '', body = ''] = received.split('\r\n\r\n', 2)
  const isRefusal = REFUSING_STATUS.has(status)
  const code = /^content-type: *application\/problem\+json/im.test(head) ? codeIn(body) : undefined
  return { text: `HTTP ${status}${code === undefined ? '' : ` ${code}`}`, isRefusal, status, code }
}

function codeIn(body: string): string | undefined {
  try {
    const { code } = JSON.parse(body)
    return typeof code === 'string' && /^[A-Z_]{1,64}$/.test(code) ? code : undefined
  } catch {
    return undefined
  }
}

function quoted(text: string): string {
  return JSON.stringify(printableLine(text).slice(0, SHOWN))
}
