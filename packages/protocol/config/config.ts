import type { KeyAlgorithm } from '@datapunk/pki'
import type { Reload } from './reload.ts'

/** A config file after every check: defaults filled in, paths absolute, names in lower case, rules kept. */
export interface Config {
  /** The file it came from, absolute. */
  readonly file: string
  readonly environment: string | undefined
  readonly trustDomain: string
  readonly authority: {
    /** The state folder of this environment, absolute. */
    readonly state: string
    readonly extraDomains: readonly string[]
    readonly passphraseFile: string | undefined
    readonly storeCaKeysInClear: boolean
    readonly root: RootConfig
    readonly issuing: IssuingCaConfig
    readonly bundleDays: number
    /** Milliseconds. */
    readonly clockSkew: number
    /** Where peers on other hosts reach the authority; absent for none. */
    readonly listen: Address | undefined
    /** Where lists and OCSP are served over plain HTTP; absent for nowhere. */
    readonly http: Address | undefined
    /** How that is reached from elsewhere, without a slash at its end; absent where it is served nowhere. */
    readonly publicUrl: string | undefined
    /** Where metrics, health and readiness are served over plain HTTP; absent for nowhere. */
    readonly metrics: Address | undefined
    /** How many services the metrics name, those whose certificates end soonest; infinity for all. */
    readonly metricsServices: number
    /** Where the console is served: on this machine alone over plain HTTP, elsewhere to `operators` over mutual TLS; absent for nowhere. */
    readonly console: Address | undefined
    /** Whether it only shows, and does nothing. */
    readonly consoleReadOnly: boolean
    /** Where the transparency log runs by itself, `http://HOST:PORT/log/ID`; absent where the authority is the log too. */
    readonly log: string | undefined
    readonly autoApply: 'safe' | 'all'
  }
  readonly certificates: {
    readonly validityDays: number
    /** Bits, for `rsa`. */
    readonly keySize: 2048 | 3072 | 4096
    readonly keyAlgorithm: KeyAlgorithm
    readonly organization: string
    readonly country: string
  }
  readonly rotation: {
    /** Fractions of a certificate's life. */
    readonly renewAt: number
    readonly jitter: number
    readonly atOnce: number
    readonly perMinute: number
    /** Milliseconds. */
    readonly keepPrevious: number
  }
  readonly revocation: {
    readonly crlDays: number
    readonly ocspDays: number
    /** Whether the issuing CA's whole list has a delta beside it. */
    readonly deltas: boolean
    /** Parts of the issuing CA's list; one for the whole alone. */
    readonly shards: number
  }
  /** Whether what is issued is logged, and what peers do with a certificate that is not. */
  readonly transparency: Strictness
  readonly pinning: Strictness
  readonly paths: { readonly caCert: string; readonly caKey: string; readonly crl: string }
  readonly services: ReadonlyMap<string, ServiceConfig>
  /** Who may come to the console from elsewhere; no members of the mesh. */
  readonly operators: ReadonlyMap<string, OperatorConfig>
}

/** What peers do with what breaks a rule: they say so, or they refuse it. */
export type Requirement = 'report' | 'required'

/** The same, where a rule may also be none. */
export type Strictness = 'off' | Requirement

export interface CaConfig {
  readonly algorithm: KeyAlgorithm
  readonly years: number
}

export interface RootConfig extends CaConfig {
  /** Its key may be away; what needs it then asks for it. */
  readonly offline: boolean
}

export interface IssuingCaConfig extends CaConfig {
  /** Whether its name constraints are about URIs too. */
  readonly constrainUris: boolean
}

export interface ServiceConfig {
  readonly service: string
  readonly commonName: string
  readonly spiffeId: string
  readonly cert: string
  readonly key: string
  readonly allow: 'members' | readonly string[]
  /** The common name first. */
  readonly dnsNames: readonly string[]
  readonly ipAddresses: readonly string[]
  readonly address: Address | undefined
  readonly listen: Address | undefined
  readonly owner: string | undefined
  readonly group: string | undefined
  /** Mode of the key file, as in 0o600. */
  readonly mode: number
  readonly validityDays: number
  readonly renewAt: number
  readonly ocspStapling: 'on' | 'off' | 'required'
  readonly minTls: '1.3' | '1.2'
  readonly delivery: 'auto' | 'mesh' | 'files'
  readonly reload: Reload | undefined
}

export interface OperatorConfig {
  readonly operator: string
  readonly spiffeId: string
  /** May look, and do nothing. */
  readonly readOnly: boolean
  /** Of the certificate. */
  readonly validityDays: number
}

export interface Address {
  readonly host: string
  readonly port: number | undefined
}
