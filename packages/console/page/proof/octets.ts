import { PageError } from '../page-error.ts'

/** Octets that a promise of the browser's may keep: not shared between threads. */
export type Octets = Uint8Array<ArrayBuffer>

/**
 * The octets of standard base64 (RFC 4648 4), in their one spelling.
 *
 * @param what it is, for the message
 * @throws PageError `PROOF_MALFORMED`
 */
export function base64Octets(text: string, what: string): Octets {
  const octets = base64Grammar.test(text)
    ? Uint8Array.from(atob(text), (one) => one.charCodeAt(0))
    : undefined
  if (octets === undefined || base64Text(octets) !== text)
    throw new PageError('PROOF_MALFORMED', `${what} is not in base64`)
  return octets
}

const base64Grammar = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

export function base64Text(octets: Uint8Array): string {
  return btoa(Array.from(octets, (one) => String.fromCharCode(one)).join(''))
}

/** Lowercase. */
export function hexText(octets: Uint8Array): string {
  return Array.from(octets, (one) => one.toString(16).padStart(2, '0')).join('')
}

/** Of what is public: it ends with the first difference. */
export function sameOctets(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((octet, at) => octet === other[at])
}

export function joined(...parts: readonly Uint8Array[]): Octets {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
