export type ProtocolErrorCode =
  | 'BUNDLE_FORKED'
  | 'BUNDLE_INVALID'
  | 'BUNDLE_NUMBER_WENT_BACK'
  | 'BUNDLE_OF_ANOTHER_MESH'
  | 'BUNDLE_UNKNOWN_CRITICAL_SECTION'
  | 'CONFIG_INVALID'
  | 'DOCUMENT_INVALID'
  | 'ISSUED_IN_THE_FUTURE'
  | 'LOG_WRONG'
  | 'MESSAGE_INVALID'
  | 'SIGNATURE_INVALID'
  | 'TRUST_STATEMENT_INVALID'
  | 'TRUST_STATEMENT_MISSING'
  | 'TRUST_STATEMENT_NOT_TRUSTED'

/** What this package throws about its input; misuse by the caller is a plain TypeError. */
export class ProtocolError extends Error {
  override readonly name: string = 'ProtocolError'
  readonly code: ProtocolErrorCode
  readonly data: Readonly<Record<string, unknown>>

  constructor(
    code: ProtocolErrorCode,
    message: string,
    options: { cause?: unknown; data?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.data = options.data ?? {}
  }
}

/** One fault of a config file. Lines and columns count from 1. */
export interface ConfigProblem {
  readonly line: number
  readonly column: number
  readonly message: string
}

/** Every fault of a config file at once, each as `file:line:column: what was found, what is allowed`. */
export class ConfigError extends ProtocolError {
  override readonly name = 'ConfigError'
  readonly problems: readonly ConfigProblem[]

  constructor(file: string, problems: readonly ConfigProblem[], cause?: unknown) {
    const lines = problems.map((problem) => `${file}:${problem.line}:${problem.column}: ${problem.message}`)
    super('CONFIG_INVALID', lines.join('\n'), { cause, data: { file, problems } })
    this.problems = problems
  }
}
