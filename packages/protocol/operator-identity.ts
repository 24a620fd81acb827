/** What an operator's certificate says who it is; `operator` is no name a service may have. */
export function operatorSpiffeId(trustDomain: string, operator: string): string {
  return `spiffe://${trustDomain}/operator/${operator}`
}
