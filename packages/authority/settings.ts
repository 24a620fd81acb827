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

/** Settings are JSON: primitives, lists of text, addresses. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((value, index) => value === b[index])
  }
  return typeof a === 'object' && typeof b === 'object' && JSON.stringify(a) === JSON.stringify(b)
}

export function sameSettings(a: Settings, b: Settings): boolean {
  return SETTINGS_FIELDS.every((field) => sameValue(a[field], b[field]))
}

/** In what the settings now ask for more or else than a certificate was asked to say; undefined where in nothing. */
export function changedFields(request: CertificateRequest, settings: Settings): string[] | undefined {
  const keySize = keySizeOf(settings)
  const isChanged = (field: keyof CertificateRequest) =>
    !sameValue(request[field], field === 'keySize' ? keySize : settings[field])
  return REQUEST_FIELDS.some(isChanged) ? REQUEST_FIELDS.filter(isChanged) : undefined
}

/** Only RSA keys have a size of their own. */
function keySizeOf({ keyAlgorithm, keySize }: Settings): number | null {
  return keyAlgorithm === 'rsa' ? keySize : null
}

const REQUEST_FIELDS = [
  'commonName',
  'dnsNames',
  'ipAddresses',
  'organization',
  'country',
  'keyAlgorithm',
  'keySize',
] as const satisfies (keyof CertificateRequest)[]

const SETTINGS_FIELDS = [
  ...REQUEST_FIELDS,
  'validityDays',
  'renewAt',
  'allow',
  'minTls',
  'address',
  'listen',
  'cert',
  'key',
  'owner',
  'group',
  'mode',
] as const satisfies (keyof Settings)[]

/** Equal settings give equal text: every field is there, in the order of the interface. */
export function encodeSettings(settings: Settings): string {
  return JSON.stringify(settings)
}

export function decodeSettings(text: string): Settings {
  return JSON.parse(text) as Settings
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
  }
}

export function encodeRequest(request: CertificateRequest): string {
  return JSON.stringify(request)
}

export function decodeRequest(text: string): CertificateRequest {
  return JSON.parse(text) as CertificateRequest
}
