import type { Config } from '@datapunk/protocol'

/** What an issuing CA may sign for: its name constraints (RFC 5280 4.2.1.10). */
export interface Constraints {
  /** DNS suffixes, and hosts of URIs: the trust domain and the extra domains. */
  readonly domains: readonly string[]
  /** Exactly the configured addresses; none means that all are excluded. */
  readonly ipAddresses: readonly string[]
}

/** The constraints that the config asks for, as canonical JSON. */
export function constraintsOf(config: Config): string {
  const addresses = new Set<string>()
  for (const service of config.services.values()) {
    for (const address of service.ipAddresses) addresses.add(address)
  }
  const constraints: Constraints = {
    domains: [config.trustDomain, ...[...config.authority.extraDomains].sort()],
    ipAddresses: [...addresses].sort(),
  }
  return JSON.stringify(constraints)
}

/** Whether an issuing CA with these constraints may sign for these names. */
export function permits(
  { domains, ipAddresses }: Constraints,
  names: { readonly dnsNames: readonly string[]; readonly ipAddresses: readonly string[] },
): boolean {
  const isWithin = (name: string) => domains.some((domain) => name === domain || name.endsWith(`.${domain}`))
  return names.dnsNames.every(isWithin) && names.ipAddresses.every((ip) => ipAddresses.includes(ip))
}

export function parseConstraints(text: string): Constraints {
  return JSON.parse(text) as Constraints
}
