export type LogErrorCode =
  | 'BODY_TOO_LARGE'
  | 'FOLDER_TAKEN'
  | 'LISTEN_FAILED'
  | 'LOG_BUSY'
  | 'LOG_DAMAGED'
  | 'LOG_ELSEWHERE'
  | 'LOG_ENDED'
  | 'LOG_INVALID'
  | 'LOG_TAKEN'
  | 'LOG_UNREADABLE'
  | 'LOG_WRITE_FAILED'
  | 'LOG_WRONG'
  | 'NOT_THE_AUTHORITY'
  | 'PERMISSIONS'
  | 'SUBMISSION_REFUSED'

/** What this package throws about its input and its folder; misuse by the caller is a plain TypeError. */
export class LogError extends Error {
  override readonly name: string = 'LogError'
  readonly code: LogErrorCode
  readonly data: Readonly<Record<string, unknown>>

  constructor(
    code: LogErrorCode,
    message: string,
    options: { cause?: unknown; data?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.data = options.data ?? {}
  }
}
