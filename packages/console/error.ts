export type ConsoleErrorCode =
  /** Nobody has logged in, or the session has ended. */
  | 'NO_SESSION'
  /** A link that was used, has ended, or never was. */
  | 'LINK_INVALID'
  /** The session may look and do nothing. */
  | 'READ_ONLY'
  /** Asked by another page than the console's own. */
  | 'ORIGIN_REFUSED'
  /** Asked under a name that is not the console's. */
  | 'HOST_REFUSED'
  | 'REQUEST_INVALID'
  | 'NOT_FOUND'
  | 'TOO_MANY_STREAMS'
  | 'LISTEN_FAILED'
  /** The disk refuses the file of sessions. */
  | 'SESSIONS_NOT_KEPT'
  /** The authority has refused it, or does not answer. */
  | 'NOT_DONE'

/** Everything that the console refuses. The message is for people, and says what mends it. */
export class ConsoleError extends Error {
  readonly code: ConsoleErrorCode

  constructor(code: ConsoleErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ConsoleError'
    this.code = code
  }
}
