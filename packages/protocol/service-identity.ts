/** As in a DNS label (RFC 1035 2.3.1), because it becomes one, and a segment of a SPIFFE ID. */
export const SERVICE_NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/

/** What a service's certificate says who it is. */
export function serviceSpiffeId(trustDomain: string, service: string): string {
  return `spiffe://${trustDomain}/${service}`
}
