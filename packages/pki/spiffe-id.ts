import type { Certificate } from './certificate.ts'
import { PkiError } from './pki-error.ts'

/**
 * A SPIFFE ID, made only by parsing (SPIFFE-ID §2). Two are the same when their texts are: there is one
 * spelling.
 */
export class SpiffeId {
  readonly #text: string
  /** For example `service.datapunk`. */
  readonly trustDomain: string
  /** For example `/lake`; empty for the trust domain itself. */
  readonly path: string

  private constructor(text: string, trustDomain: string, path: string) {
    this.#text = text
    this.trustDomain = trustDomain
    this.path = path
  }

  /** @throws PkiError `SPIFFE_ID_INVALID` */
  static parse(text: string): SpiffeId {
    // §2.3: implementations support up to 2048 bytes, and 255 for the trust domain.
    if (text.length > 2048) refuse(text.slice(0, 64), 'it is longer than 2048 bytes')
    if (!text.startsWith(scheme)) refuse(text, `it does not begin with "${scheme}" in lower case`)
    const slash = text.indexOf('/', scheme.length)
    const trustDomain = slash < 0 ? text.slice(scheme.length) : text.slice(scheme.length, slash)
    const path = slash < 0 ? '' : text.slice(slash)
    checkTrustDomain(text, trustDomain)
    checkPath(text, path)
    return new SpiffeId(text, trustDomain, path)
  }

  equals(other: SpiffeId): boolean {
    return this.#text === other.#text
  }

  toString(): string {
    return this.#text
  }

  toJSON(): string {
    return this.#text
  }
}

/**
 * @param text for example `spiffe://service.datapunk/lake`
 * @throws PkiError `SPIFFE_ID_INVALID`
 */
export function parseSpiffeId(text: string): SpiffeId {
  return SpiffeId.parse(text)
}

/**
 * Whose a leaf is. X509-SVID 2: exactly one URI SAN, a SPIFFE ID; whatever has more is refused. The CN is never looked at
 * (RFC 9525 2).
 *
 * @throws PkiError `SPIFFE_ID_INVALID`
 */
export function onlySpiffeId({ extensions }: Certificate): SpiffeId {
  const [uri, ...more] = extensions.subjectAltName?.uris ?? []
  if (uri !== undefined && more.length === 0) return SpiffeId.parse(uri)
  const found = uri === undefined ? 0 : 1 + more.length
  throw new PkiError(
    'SPIFFE_ID_INVALID',
    `found ${found} URIs in the certificate's subjectAltName; allowed: exactly one, a SPIFFE ID`,
    { found },
  )
}

const scheme = 'spiffe://'

/** §2.1: lower case letters, digits, dot, dash, underscore; no port, no user, no percent sign. */
function checkTrustDomain(text: string, trustDomain: string): void {
  if (trustDomain === '') refuse(text, 'its trust domain is empty')
  if (trustDomain.length > 255) refuse(text, 'its trust domain is longer than 255 bytes')
  if (!/^[a-z0-9._-]+$/.test(trustDomain)) {
    refuse(text, 'its trust domain may hold only a-z, 0-9, dot, dash and underscore')
  }
}

/**
 * §2.2: segments of letters, digits, dot, dash, underscore; none empty, none relative, no slash at the end.
 */
function checkPath(text: string, path: string): void {
  if (path === '') return
  for (const segment of path.slice(1).split('/')) {
    if (segment === '') refuse(text, 'its path has an empty segment or ends with a slash')
    if (segment === '.' || segment === '..') refuse(text, 'its path has a relative segment')
    if (!/^[a-zA-Z0-9._-]+$/.test(segment)) {
      refuse(text, 'its path may hold only letters, digits, dot, dash and underscore')
    }
  }
}

function refuse(text: string, reason: string): never {
  throw new PkiError(
    'SPIFFE_ID_INVALID',
    `${JSON.stringify(text)} is no SPIFFE ID: ${reason}; an example is "spiffe://service.datapunk/lake"`,
    { found: text, reason },
  )
}
