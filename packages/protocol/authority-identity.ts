/** The DNS name of the authority's own certificate; no service may bear it. */
export function authorityName(trustDomain: string): string {
  return `authority.${trustDomain}`
}

/** What the authority's own certificate says who it is; `authority` is no name a service may have. */
export function authoritySpiffeId(trustDomain: string): string {
  return `spiffe://${trustDomain}/authority`
}
