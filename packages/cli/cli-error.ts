export type CliErrorCode =
  | 'APPROVAL_MISSING'
  | 'CONFIG_UNREADABLE'
  | 'FILE_EXISTS'
  | 'FILE_UNREADABLE'
  | 'FILE_UNWRITABLE'
  | 'HOST_UNREACHABLE'
  | 'INTERRUPTED'
  | 'NOTHING_TO_SHOW'
  | 'USAGE'

/** What this package throws: the command line, and the files that only the command line reads and writes. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly code: CliErrorCode

  constructor(code: CliErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
