/** `error`: something does not work, or will not soon; `warning`: nothing does yet; `note`: worth knowing. */
export type Severity = 'error' | 'warning' | 'note'

/** One thing that is not as it should be, and what mends it. */
export interface Finding {
  /** For programs, as in `bundle-stale`. */
  readonly id: string
  readonly severity: Severity
  /** The service, `mesh`, `authority`, or the file. */
  readonly subject: string
  readonly found: string
  /** A command where there is one. */
  readonly fix: string
}
