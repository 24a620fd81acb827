import type { IncomingHttpHeaders } from 'node:http'

/** What somebody may have already. */
export interface Validators {
  /** A strong entity tag, in its quotes. */
  readonly etag: string
  /** Milliseconds since the epoch, whole seconds. */
  readonly modified: number
}

/**
 * Whether whoever asks has it already (RFC 9110 13.1.2, 13.1.3). A date counts where it is the very one that was given: what was made
 * while our clock was ahead may have a later one than what has followed it.
 */
export function isNotModified(headers: IncomingHttpHeaders, { etag, modified }: Validators): boolean {
  const { 'if-none-match': tags, 'if-modified-since': since = '' } = headers
  if (tags === undefined) return Date.parse(since) === modified
  return tags.trim() === '*' || tags.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag)
}
