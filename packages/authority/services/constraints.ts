import type { Config } from '@datapunk/protocol'
import { keptPer } from '../store/kept-answer.ts'

/** What an issuing CA may sign for: its name constraints (RFC 5280 4.2.1.10). */
export interface Constraints {
  /** DNS suffixes: the trust domain and the extra domains. */
  readonly domains: readonly string[]
  /** Exactly the configured addresses; none means that all are excluded. */
  readonly ipAddresses: readonly string[]
  /** Absent: hosts of URIs are the domains too. */
  readonly uris?: 'any'
}

interface Names {
  readonly dnsNames: readonly string[]
  readonly ipAddresses: readonly string[]
}

/** The constraints that the config asks for, as canonical JSON. */
export function constraintsOf(config: Config): string {
  return keptConstraints(config).of([], () => writtenIn(config))
}

const keptConstraints = keptPer<string>()

function writtenIn(config: Config): string {
  const addresses = new Set<string>()
  for (const service of config.services.values()) {
    for (const address of service.ipAddresses) addresses.add(address)
  }
  const constraints: Constraints = {
    domains: [config.trustDomain, ...[...config.authority.extraDomains].sort()],
    ipAddresses: [...addresses].sort(),
    ...(config.authority.issuing.constrainUris ? {} : { uris: 'any' }),
  }
  return JSON.stringify(constraints)
}

/** Whether an issuing CA with these constraints may sign for these names. */
export function permits({ domains, ipAddresses }: Constraints, names: Names): boolean {
  const isWithin = (name: string) => domains.some((domain) => name === domain || name.endsWith(`.${domain}`))
  return names.dnsNames.every(isWithin) && names.ipAddresses.every((ip) => ipAddresses.includes(ip))
}

/** The same settings with the names that may be signed for; undefined where the common name is none of them. */
export function permittedPart<Named extends Names & { readonly commonName: string }>(
  constraints: Constraints,
  settings: Named,
): Named | undefined {
  if (permits(constraints, settings)) return settings
  const may = (names: Partial<Names>) => permits(constraints, { dnsNames: [], ipAddresses: [], ...names })
  const dnsNames = settings.dnsNames.filter((name) => may({ dnsNames: [name] }))
  const ipAddresses = settings.ipAddresses.filter((address) => may({ ipAddresses: [address] }))
  return dnsNames.includes(settings.commonName) ? { ...settings, dnsNames, ipAddresses } : undefined
}

export function parseConstraints(text: string): Constraints {
  return JSON.parse(text) as Constraints
}
