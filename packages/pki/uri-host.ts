/**
 * The host of an absolute URI with an authority (RFC 3986 §3.2), in lower case: for
 * `spiffe://service.datapunk/lake` it is `service.datapunk`. Undefined for URIs without one, and for hosts in
 * brackets.
 */
export function uriHost(uri: string): string | undefined {
  const [, host] =
    /^[a-zA-Z][a-zA-Z0-9+.-]*:\/\/(?:[^/?#@]*@)?([^/?#:@[\]]+)(?::\d*)?(?:[/?#]|$)/.exec(uri) ?? []
  return host?.toLowerCase()
}

/** Whether this is an absolute URI (RFC 3986 §4.3) in printable ASCII, as RFC 5280 §4.2.1.6 asks for. */
export function isAbsoluteUri(uri: string): boolean {
  return /^[a-zA-Z][a-zA-Z0-9+.-]*:[!-~]+$/.test(uri)
}

/**
 * Whether this is an absolute `http` URI. CRLs, responders and certificates are fetched without TLS, because they are signed
 * themselves, and TLS would ask the same question again (RFC 5280 §8).
 */
export function isHttpUri(uri: string): boolean {
  return /^http:\/\/[!-~]+$/.test(uri) && URL.canParse(uri)
}
