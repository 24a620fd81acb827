import { printable } from './printable.ts'

/** The password of a URL, as written and as meant: what no error may show. */
export function secretsOf(url: string): readonly string[] {
  const [, written = ''] = /^[^:]*:\/\/[^/?#:]*:([^/?#]*)@/.exec(url) ?? []
  try {
    return [written, decodeURIComponent(written)].filter((secret) => secret !== '')
  } catch {
    return [written]
  }
}

export type ShownError = Error & { readonly code?: string }

/**
 * An error of a library without what must not be shown: those put addresses, commands and certificates into messages,
 * stacks and fields.
 */
export function shownError(error: unknown, secrets: readonly string[]): ShownError {
  const { message = '', code } = (error ?? {}) as { message?: string; code?: unknown }
  const text = secrets.reduce(
    (shown, secret) => shown.replaceAll(secret, '…'),
    message || String(code ?? error),
  )
  // Redis repeats the arguments of a command that it doesn't know, cut short.
  const shown = new Error(printable(text.replace(/,? with args beginning with.*/s, '')))
  shown.stack = `${shown.name}: ${shown.message}`
  return typeof code === 'string' ? Object.assign(shown, { code }) : shown
}
