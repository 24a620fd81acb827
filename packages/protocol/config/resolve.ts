import { dirname, join } from 'node:path'
import { addressText, canonicalHost } from '../address-text.ts'
import { authorityName } from '../authority-identity.ts'
import { operatorSpiffeId } from '../operator-identity.ts'
import { probeName } from '../probe-identity.ts'
import { serviceSpiffeId } from '../service-identity.ts'
import { checkConsole } from './check-console.ts'
import { checkConstraints } from './check-constraints.ts'
import type { Address, Config, IssuingCaConfig, OperatorConfig, ServiceConfig } from './config.ts'
import { isWithinDomain } from './domain.ts'
import { resolveReload } from './reload.ts'
import type { ResolveOptions } from './resolve-options.ts'
import { spellingHint } from './spelling.ts'
import { type ConfigText, type ServiceText, splitAddress } from './text.ts'

/** From the text to the truth: defaults that depend on other values, absolute paths, and the rules between values. */
export function resolveConfig(text: ConfigText, options: ResolveOptions): Config {
  const trustDomain = text.trust_domain ?? impliedTrustDomain(text)
  const caCert = options.path(text.paths.ca_cert)
  const http = text.authority.http === 'none' ? undefined : splitAddress(text.authority.http)
  const services = new Map<string, ServiceConfig>()
  for (const [name, service] of Object.entries(text.services)) {
    services.set(name, resolveService(name, service, text, trustDomain, options))
  }
  const config: Config = {
    file: options.file,
    environment: options.environment,
    trustDomain,
    authority: {
      state: join(
        text.authority.state === undefined
          ? join(dirname(caCert), '.mtls')
          : options.path(text.authority.state),
        options.environment ?? '',
      ),
      extraDomains: text.authority.extra_domains,
      passphraseFile: text.authority.passphrase_file && options.path(text.authority.passphrase_file),
      storeCaKeysInClear: text.authority.store_ca_keys_in_clear,
      root: text.authority.root,
      issuing: issuingOf(text),
      bundleDays: text.authority.bundle_days,
      clockSkew: text.authority.clock_skew,
      listen: text.authority.listen === 'none' ? undefined : splitAddress(text.authority.listen),
      http,
      publicUrl: publicUrlOf(text, trustDomain, http),
      metrics: text.authority.metrics === 'none' ? undefined : splitAddress(text.authority.metrics),
      metricsServices:
        text.authority.metrics_services === 'all'
          ? Number.POSITIVE_INFINITY
          : text.authority.metrics_services,
      console: text.authority.console === 'none' ? undefined : splitAddress(text.authority.console),
      consoleReadOnly: text.authority.console_read_only,
      log: text.authority.log,
      autoApply: text.authority.auto_apply,
    },
    certificates: {
      validityDays: text.certificates.validity_days,
      keySize: text.certificates.key_size,
      keyAlgorithm: text.certificates.key_algorithm,
      organization: text.certificates.organization,
      country: text.certificates.country,
    },
    rotation: {
      renewAt: text.rotation.renew_at,
      jitter: text.rotation.jitter,
      atOnce: text.rotation.at_once,
      perMinute: text.rotation.per_minute,
      keepPrevious: text.rotation.keep_previous,
    },
    revocation: {
      crlDays: text.revocation.crl_days,
      ocspDays: text.revocation.ocsp_days,
      deltas: text.revocation.deltas,
      shards: text.revocation.shards,
    },
    transparency: text.transparency,
    pinning: text.pinning,
    paths: {
      caCert,
      caKey: options.path(text.paths.ca_key),
      crl: text.paths.crl === undefined ? join(dirname(caCert), 'ca.crl') : options.path(text.paths.crl),
    },
    services,
    operators: resolveOperators(text, trustDomain),
  }
  checkListen(config, options)
  checkPublicPort(config, text, options)
  checkConsole(config, options)
  checkStapling(config, options)
  checkNames(config, options)
  checkConstraints(config, options)
  checkPaths(config, options)
  checkAllow(config, options)
  checkValidity(text, options)
  return config
}

function resolveService(
  service: string,
  text: ServiceText,
  config: ConfigText,
  trustDomain: string,
  { path }: ResolveOptions,
): ServiceConfig {
  const commonName = (text.common_name ?? `${service}.${trustDomain}`).toLowerCase()
  const others = text.dns_names.map((name) => name.toLowerCase()).filter((name) => name !== commonName)
  return {
    service,
    commonName,
    spiffeId: serviceSpiffeId(trustDomain, service),
    cert: path(text.cert ?? `certs/${service}.crt`),
    key: path(text.key ?? `certs/${service}.key`),
    allow: text.allow,
    dnsNames: [commonName, ...new Set(others)],
    ipAddresses: [...new Set(text.ip_addresses.map(canonicalHost))],
    address: addressOf(text.address),
    listen: addressOf(text.listen),
    owner: text.owner,
    group: text.group,
    mode:
      text.mode === undefined ? (text.group === undefined ? 0o600 : 0o640) : Number.parseInt(text.mode, 8),
    validityDays: text.validity_days ?? config.certificates.validity_days,
    renewAt: text.renew_at ?? config.rotation.renew_at,
    ocspStapling: text.ocsp_stapling,
    minTls: text.min_tls,
    delivery: text.delivery,
    reload: text.reload === undefined ? undefined : resolveReload(text.reload, path),
  }
}

function resolveOperators({ operators }: ConfigText, trustDomain: string): Map<string, OperatorConfig> {
  return new Map(
    Object.entries(operators).map(([operator, text]) => [
      operator,
      {
        operator,
        spiffeId: operatorSpiffeId(trustDomain, operator),
        readOnly: text.read_only,
        validityDays: text.validity_days,
      },
    ]),
  )
}

function addressOf(text: string | undefined): Address | undefined {
  return text === undefined ? undefined : splitAddress(text)
}

/** The first name's suffix after its first label; `.internal` is the top-level domain reserved for private use. */
function impliedTrustDomain(text: ConfigText): string {
  const first = Object.values(text.services).find((service) => service.common_name !== undefined)?.common_name
  const suffix = first?.toLowerCase().split('.').slice(1).join('.')
  return suffix === undefined || suffix === '' ? 'service.internal' : suffix
}

function publicUrlOf(
  { authority }: ConfigText,
  trustDomain: string,
  http: Address | undefined,
): string | undefined {
  if (http === undefined) return undefined
  return authority.public_url?.replace(/\/$/, '') ?? `http://${authorityName(trustDomain)}:${http.port}`
}

function checkListen({ authority }: Config, { problem }: ResolveOptions): void {
  const { listen, http, metrics, console } = authority
  // Whatever stands here is served by one `mtls up`; a service listens on a machine of its own, where the same may be free.
  const taken = new Map<string, string>()
  for (const [name, address] of Object.entries({ listen, http, metrics, console })) {
    if (address === undefined) continue
    const { host, port } = address
    if (port === undefined) {
      problem(['authority', name], `found ${host} without a port; allowed: HOST:PORT, as in 0.0.0.0:7443`)
      continue
    }
    const other = taken.get(`${host} ${port}`)
    // 0 is whichever is free.
    if (port !== 0) taken.set(`${host} ${port}`, other ?? name)
    if (other !== undefined)
      problem(
        ['authority', name],
        `found ${addressText(host, port)} for authority.${name} and for authority.${other}; allowed: an address each`,
      )
  }
}

/** Certificates name the port for as long as they live; the system gives another one each time. */
function checkPublicPort(
  { authority: { http } }: Config,
  text: ConfigText,
  { problem }: ResolveOptions,
): void {
  if (http?.port !== 0 || text.authority.public_url !== undefined) return
  problem(
    ['authority', 'http'],
    `found ${addressText(http.host, http.port)}, and no authority.public_url; allowed: a port from 1 to 65535, or authority.public_url besides: certificates say where the authority is reached`,
  )
}

/** Nobody could staple what nobody signs. */
function checkStapling({ authority: { http }, services }: Config, { problem }: ResolveOptions): void {
  if (http !== undefined) return
  for (const [service, { ocspStapling }] of services) {
    if (ocspStapling !== 'required') continue
    const path = ['services', service, 'ocsp_stapling']
    problem(path, 'found required, and authority.http: none; allowed: HOST:PORT there, or on or off here')
  }
}

function checkNames(config: Config, { problem, namesServices }: ResolveOptions): void {
  if (config.services.size === 0 && !namesServices)
    problem(['services'], 'found no services; allowed: at least one')
  const domains = [config.trustDomain, ...config.authority.extraDomains]
  const owners = new Map<string, string>()
  for (const [service, { dnsNames, ipAddresses, mode, group }] of config.services) {
    for (const [index, name] of dnsNames.entries()) {
      const path = ['services', service, index === 0 ? 'common_name' : 'dns_names']
      if (!domains.some((domain) => isWithinDomain(name, domain))) {
        problem(
          path,
          `found the name ${name}; allowed: names in ${domains.join(', ')} (more by authority.extra_domains)`,
        )
      }
      if (name === authorityName(config.trustDomain))
        problem(path, `found the name ${name}, which is the authority’s own; allowed: any other`)
      if (name === probeName(config.trustDomain))
        problem(path, `found the name ${name}, which is that of \`mtls probe\`; allowed: any other`)
      const owner = owners.get(name)
      if (owner !== undefined)
        problem(path, `found the name ${name}, which ${owner} has too; allowed: one service a name`)
      owners.set(name, service)
    }
    for (const address of ipAddresses) {
      const owner = owners.get(address)
      if (owner !== undefined && owner !== service) {
        problem(
          ['services', service, 'ip_addresses'],
          `found the address ${address}, which ${owner} has too; allowed: one service an address`,
        )
      }
      owners.set(address, service)
    }
    if ((mode & 0o040) !== 0 && group === undefined) {
      problem(
        ['services', service, 'mode'],
        'found a mode for a group, but no group; allowed: 0600, or name the group',
      )
    }
  }
}

function checkPaths(config: Config, { problem }: ResolveOptions): void {
  const owners = new Map<string, readonly string[]>([[config.paths.caCert, ['paths', 'ca_cert']]])
  const claim = (path: string, at: readonly string[]) => {
    const owner = owners.get(path)
    if (owner !== undefined)
      problem(at, `found ${path}, which ${owner.join('.')} has too; allowed: a path of its own`)
    owners.set(path, at)
  }
  claim(config.paths.caKey, ['paths', 'ca_key'])
  claim(config.paths.crl, ['paths', 'crl'])
  for (const [service, { cert, key }] of config.services) {
    claim(cert, ['services', service, 'cert'])
    claim(key, ['services', service, 'key'])
  }
}

function checkAllow(config: Config, { problem }: ResolveOptions): void {
  for (const [service, { allow }] of config.services) {
    if (allow === 'members') continue
    for (const caller of allow) {
      if (config.services.has(caller)) continue
      const hint = spellingHint(caller, config.services.keys())
      problem(
        ['services', service, 'allow'],
        `found the caller "${caller}"${hint}; allowed: the services of this file`,
      )
    }
  }
}

function issuingOf({ authority: { issuing } }: ConfigText): IssuingCaConfig {
  const { algorithm, years, constrain_uris: constrainUris } = issuing
  return { algorithm, years, constrainUris }
}

/** A certificate never outlives its issuer (RFC 4210 4.4), and an issuing CA never outlives the root. */
function checkValidity(text: ConfigText, { problem }: ResolveOptions): void {
  const { root, issuing } = text.authority
  if (issuing.years > root.years) {
    problem(
      ['authority', 'issuing', 'years'],
      `found ${issuing.years} years, longer than the root’s ${root.years}; allowed: at most ${root.years}`,
    )
  }
  const most = issuing.years * 365
  const check = (days: number | undefined, path: readonly string[]) => {
    if (days !== undefined && days > most) {
      problem(path, `found ${days} days, longer than the issuing CA’s life; allowed: at most ${most}`)
    }
  }
  check(text.certificates.validity_days, ['certificates', 'validity_days'])
  for (const [service, { validity_days }] of Object.entries(text.services)) {
    check(validity_days, ['services', service, 'validity_days'])
  }
  for (const [operator, { validity_days }] of Object.entries(text.operators)) {
    check(validity_days, ['operators', operator, 'validity_days'])
  }
}
