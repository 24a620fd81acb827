import type { KeyAlgorithm } from '@datapunk/pki'
import type { Address, Config, ServiceConfig } from '@datapunk/protocol'

/** What the mesh holds a service to: the config's words on it when it was last applied. */
export interface Settings {
  readonly commonName: string
  readonly dnsNames: readonly string[]
  readonly ipAddresses: readonly string[]
  readonly organization: string
  readonly country: string
  readonly keyAlgorithm: KeyAlgorithm
  /** Bits; only of meaning with `rsa`. */
  readonly keySize: 2048 | 3072 | 4096
  /** Whether callers are to refuse the certificate without a stapled OCSP answer. */
  readonly mustStaple: boolean
  readonly validityDays: number
  readonly renewAt: number
  readonly allow: 'members' | readonly string[]
  readonly minTls: '1.3' | '1.2'
  readonly address: Address | null
  readonly listen: Address | null
  readonly cert: string
  readonly key: string
  readonly owner: string | null
  readonly group: string | null
  readonly mode: number
}

/** What a certificate was asked to say. A certificate whose request is no longer the service's is issued anew. */
export interface CertificateRequest {
  readonly commonName: string
  readonly dnsNames: readonly string[]
  readonly ipAddresses: readonly string[]
  readonly organization: string
  readonly country: string
  readonly keyAlgorithm: KeyAlgorithm
  readonly keySize: number | null
  readonly mustStaple: boolean
}

export function settingsOf(config: Config, service: ServiceConfig): Settings {
  const { organization, country, keyAlgorithm, keySize } = config.certificates
  return {
    commonName: service.commonName,
    dnsNames: service.dnsNames,
    ipAddresses: service.ipAddresses,
    organization,
    country,
    keyAlgorithm,
    keySize,
    mustStaple: service.ocspStapling === 'required',
    validityDays: service.validityDays,
    renewAt: service.renewAt,
    allow: service.allow === 'members' ? 'members' : [...service.allow].sort(),
    minTls: service.minTls,
    address: service.address ?? null,
    listen: service.listen ?? null,
    cert: service.cert,
    key: service.key,
    owner: service.owner ?? null,
    group: service.group ?? null,
    mode: service.mode,
  }
}

/**
 * Whether these are the settings that the config wants: the same as comparing with `settingsOf`, field by field, without
 * making it. Most services are as they should be, and there may be a hundred thousand.
 */
export function isAsWanted(settings: Settings, config: Config, service: ServiceConfig): boolean {
  const { certificates } = config
  return (
    settings.commonName === service.commonName &&
    sameList(settings.dnsNames, service.dnsNames) &&
    sameList(settings.ipAddresses, service.ipAddresses) &&
    settings.organization === certificates.organization &&
    settings.country === certificates.country &&
    settings.keyAlgorithm === certificates.keyAlgorithm &&
    settings.keySize === certificates.keySize &&
    settings.mustStaple === (service.ocspStapling === 'required') &&
    settings.validityDays === service.validityDays &&
    settings.renewAt === service.renewAt &&
    sameAllow(settings.allow, service.allow) &&
    settings.minTls === service.minTls &&
    sameAddress(settings.address, service.address) &&
    sameAddress(settings.listen, service.listen) &&
    settings.cert === service.cert &&
    settings.key === service.key &&
    settings.owner === (service.owner ?? null) &&
    settings.group === (service.group ?? null) &&
    settings.mode === service.mode
  )
}

/** Whether a certificate was asked to say what the settings want it to say. */
export function isAsAsked(request: CertificateRequest, settings: Settings): boolean {
  return (
    request.commonName === settings.commonName &&
    sameList(request.dnsNames, settings.dnsNames) &&
    sameList(request.ipAddresses, settings.ipAddresses) &&
    request.organization === settings.organization &&
    request.country === settings.country &&
    request.keyAlgorithm === settings.keyAlgorithm &&
    request.keySize === keySizeOf(settings) &&
    request.mustStaple === settings.mustStaple
  )
}

/** Whether a certificate bears no name that the settings have no more, for which peers would refuse it. */
export function bearsOnlyOwnNames(request: CertificateRequest, settings: Settings): boolean {
  return (
    request.dnsNames.every((name) => settings.dnsNames.includes(name)) &&
    request.ipAddresses.every((address) => settings.ipAddresses.includes(address))
  )
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false
  return true
}

function sameAllow(applied: Settings['allow'], wanted: ServiceConfig['allow']): boolean {
  if (applied === 'members' || wanted === 'members') return applied === wanted
  return sameList(applied, [...wanted].sort())
}

function sameAddress(applied: Address | null, wanted: Address | undefined): boolean {
  return applied === null || wanted === undefined
    ? applied === null && wanted === undefined
    : applied.host === wanted.host && applied.port === wanted.port
}

/** Settings are JSON: primitives, lists of text, addresses. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((value, index) => value === b[index])
  }
  return typeof a === 'object' && typeof b === 'object' && JSON.stringify(a) === JSON.stringify(b)
}

/** In what the settings ask for something else than a certificate was asked to say. */
export function changedFields(request: CertificateRequest, settings: Settings): string[] {
  const wanted = certificateRequestOf(settings)
  const fields = Object.keys(wanted) as (keyof CertificateRequest)[]
  return fields.filter((field) => !sameValue(request[field], wanted[field]))
}

/** Only RSA keys have a size of their own. */
export function keySizeOf({ keyAlgorithm, keySize }: Settings): number | null {
  return keyAlgorithm === 'rsa' ? keySize : null
}

/** Equal settings give equal text: every field is there, in the order of the interface. */
export function encodeSettings(settings: Settings): string {
  return JSON.stringify(settings)
}

/** Read at every look, and changed once in a while. What was recorded before there were staples wants none. */
export const decodeSettings = decoded<Settings>()

/** Services of the largest mesh there is a measurement of, and as many again that have changed since. */
const KEPT = 262_144

function decoded<T>(): (text: string) => T {
  const known = new Map<string, T>()
  return (text) => {
    const found = known.get(text)
    if (found !== undefined) return found
    const value = { mustStaple: false, ...JSON.parse(text) } as T
    if (known.size >= KEPT) known.clear()
    known.set(text, value)
    return value
  }
}

export function certificateRequestOf(settings: Settings): CertificateRequest {
  return {
    commonName: settings.commonName,
    dnsNames: settings.dnsNames,
    ipAddresses: settings.ipAddresses,
    organization: settings.organization,
    country: settings.country,
    keyAlgorithm: settings.keyAlgorithm,
    keySize: keySizeOf(settings),
    mustStaple: settings.mustStaple,
  }
}

export function encodeRequest(request: CertificateRequest): string {
  return JSON.stringify(request)
}

export const decodeRequest = decoded<CertificateRequest>()
