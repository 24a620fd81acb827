import { LogError, type LogErrorCode } from '../log-error.ts'

/** How a request is refused: RFC 6962 4 wants an `error_message` in every answer that is none. */
export interface Refusal {
  readonly status: number
  /** Seconds after which it may be tried again; undefined where that is of no use. */
  readonly retryAfter?: number
  readonly message: string
}

const refusals: Partial<Record<LogErrorCode, Omit<Refusal, 'message'>>> = {
  BODY_TOO_LARGE: { status: 413 },
  LOG_BUSY: { status: 503, retryAfter: 1 },
  LOG_ENDED: { status: 403 },
  LOG_WRITE_FAILED: { status: 503, retryAfter: 5 },
  NOT_THE_AUTHORITY: { status: 403 },
  SUBMISSION_REFUSED: { status: 400 },
}

/** What went wrong in here is for whoever runs the log to read, not for whoever asks. */
export function refusalOf(error: unknown): Refusal {
  const code = error instanceof LogError ? error.code : undefined
  if (code === 'LOG_UNREADABLE')
    return { status: 503, retryAfter: 5, message: 'the log can read no trust statement just now' }
  const known = code && refusals[code]
  if (known === undefined) return { status: 500, message: 'the log can’t answer' }
  return { ...known, message: (error as LogError).message }
}
