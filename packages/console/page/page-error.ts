/** What can go wrong in the page. */
export type PageErrorCode =
  /** The console does not answer. */
  | 'CONSOLE_UNREACHABLE'
  /** There is nothing of that name. */
  | 'NOT_FOUND'
  /** It refused what was asked; the message is its own. */
  | 'REFUSED'
  /** The session has ended, or there never was one. */
  | 'SESSION_ENDED'
  /** A line of the stream can't be read. */
  | 'STREAM_MALFORMED'
  /** A checkpoint, a leaf or a proof has not the form of one. */
  | 'PROOF_MALFORMED'
  /** A proof is about something else, or leads elsewhere. */
  | 'PROOF_WRONG'
  | 'SIGNATURE_WRONG'

export class PageError extends Error {
  override readonly name = 'PageError'
  readonly code: PageErrorCode

  constructor(code: PageErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** What went wrong, for people. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
