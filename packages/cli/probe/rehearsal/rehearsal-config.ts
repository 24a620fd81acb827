import { type Config, parseConfig, type ServiceConfig } from '@datapunk/protocol'

/** Of the file that is made for a rehearsal: no variable of this process’s environment names another one in it. */
export const REHEARSAL = 'rehearsal'

/** Who plays in a rehearsal: the services that are tried, and for each of them somebody who may call it. */
export interface Cast {
  readonly services: readonly string[]
  /** By service; absent where nobody may call it. */
  readonly callers: ReadonlyMap<string, string>
  /** All of them, each once. */
  readonly members: readonly string[]
}

/** Whoever is tried himself is preferred as a caller, so that the others are left alone. */
export function castOf(config: Config, services: readonly ServiceConfig[]): Cast {
  const names = services.map(({ service }) => service)
  const callers = new Map<string, string>()
  for (const { service, allow } of services) {
    const may = allow === 'members' ? [...config.services.keys()] : allow
    const others = may.filter((name) => name !== service)
    const caller = others.find((name) => names.includes(name)) ?? others[0] ?? may[0]
    if (caller !== undefined) callers.set(service, caller)
  }
  return { services: names, callers, members: [...new Set([...names, ...callers.values()])] }
}

/**
 * The same mesh at another place: names, rights, subjects, kinds of keys, pinning and transparency are those of the config;
 * addresses, paths and ports are the rehearsal's own. Staples are left out, because nobody answers for them there.
 *
 * @param ports where each service listens, once that is known
 * @returns JSON, which YAML 1.2 has within it
 */
export function rehearsalText(
  config: Config,
  cast: Cast,
  ports: ReadonlyMap<string, number> = new Map(),
): string {
  const { authority, certificates, trustDomain, transparency, pinning } = config
  const { offline: _, ...root } = authority.root
  const { algorithm, years, constrainUris } = authority.issuing
  const members = cast.members.map((name) => config.services.get(name) as ServiceConfig)
  return JSON.stringify({
    trust_domain: trustDomain,
    authority: {
      ...{ state: 'state', store_ca_keys_in_clear: true, http: 'none', metrics: 'none' },
      ...{ extra_domains: authority.extraDomains, bundle_days: authority.bundleDays },
      ...{ clock_skew: `${authority.clockSkew / 1000}s`, root },
      issuing: { algorithm, years, constrain_uris: constrainUris },
    },
    certificates: {
      validity_days: certificates.validityDays,
      key_size: certificates.keySize,
      key_algorithm: certificates.keyAlgorithm,
      organization: certificates.organization,
      country: certificates.country,
    },
    ...{ transparency, pinning, paths: { ca_cert: 'ca.crt', ca_key: 'ca.key' } },
    services: Object.fromEntries(members.map((one) => [one.service, serviceText(one, cast, ports)])),
    environments: { [REHEARSAL]: {} },
  })
}

function serviceText(
  { service, commonName, dnsNames, ipAddresses, allow, minTls, validityDays }: ServiceConfig,
  { members }: Cast,
  ports: ReadonlyMap<string, number>,
): Record<string, unknown> {
  const port = ports.get(service)
  return {
    ...{ common_name: commonName, dns_names: dnsNames.slice(1), ip_addresses: ipAddresses },
    ...{ min_tls: minTls, validity_days: validityDays, ocsp_stapling: 'off' },
    allow: allow === 'members' ? allow : allow.filter((name) => members.includes(name)),
    address: port === undefined ? '127.0.0.1' : `127.0.0.1:${port}`,
  }
}

/** @param file its absolute path */
export function rehearsalConfig(text: string, file: string): Config {
  return parseConfig(text, { file, environment: REHEARSAL })
}
