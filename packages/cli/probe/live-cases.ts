import type { ServiceConfig } from '@datapunk/protocol'
import type { Approach } from './attempt.ts'
import type { CaseName } from './result.ts'

/** What a live service is to refuse, and what shows that it was for this. */
export interface LiveCase extends CaseName {
  /** The gate's, as peers report them. */
  readonly rules: readonly string[]
  /** TLS alerts that are said for nothing else. */
  readonly alerts: readonly string[]
  /** Which of the probe's certificates is shown. */
  readonly shows: ShownKind
  /** How it speaks; each way has to be refused. One, as everybody does, unless told. */
  readonly ways?: (service: Pick<ServiceConfig, 'minTls'>) => readonly Way[]
}

export type ShownKind =
  | 'nothing'
  | 'current'
  | 'expired'
  | 'not-yet-valid'
  | 'revoked'
  | 'other-ca'
  | 'self-signed'
  | 'other-mesh'

/** A way to speak that is to fail at the handshake. */
export interface Way extends Pick<Approach, 'minVersion' | 'maxVersion' | 'ciphers'> {
  readonly name: string
}

/** Even what OpenSSL would not offer by itself. */
const anyStrength = '@SECLEVEL=0'

const tls12: Way = { name: 'TLS 1.2', minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }

const tls11: Way = {
  name: 'TLS 1.1',
  minVersion: 'TLSv1',
  maxVersion: 'TLSv1.1',
  ciphers: `ALL:${anyStrength}`,
}

/** Its tag is cut to 8 octets (RFC 6655): the one suite of TLS 1.3 that is not for general use (RFC 8446 B.4). */
const shortTag: Way = {
  name: 'TLS_AES_128_CCM_8_SHA256',
  minVersion: 'TLSv1.3',
  ciphers: `TLS_AES_128_CCM_8_SHA256:ALL:${anyStrength}`,
}

/** Static RSA, nobody authenticated, nothing encrypted, or encrypted and authenticated one after the other (RFC 9325 4.1, 4.2). */
const weak12: Way = {
  ...tls12,
  name: 'weak suites of TLS 1.2',
  ciphers: `kRSA:aNULL:eNULL:SHA1:SHA256:SHA384:${anyStrength}`,
}

const unknownIssuer = ['ISSUER_UNKNOWN', 'AUTHORITY_KEY_MISMATCH', 'SIGNATURE_INVALID']

/** In the order in which they are shown. */
export const liveCases: readonly LiveCase[] = [
  {
    id: 'no-certificate',
    title: 'no certificate',
    rules: ['NO_CERTIFICATE'],
    alerts: ['certificate_required'],
    shows: 'nothing',
  },
  {
    id: 'expired',
    title: 'expired',
    rules: ['CERTIFICATE_EXPIRED'],
    alerts: ['certificate_expired'],
    shows: 'expired',
  },
  {
    id: 'not-yet-valid',
    title: 'not yet valid',
    rules: ['CERTIFICATE_NOT_YET_VALID'],
    // RFC 8446 6.2: "has expired or is not currently valid".
    alerts: ['certificate_expired'],
    shows: 'not-yet-valid',
  },
  {
    id: 'other-ca',
    title: 'of another CA',
    rules: unknownIssuer,
    alerts: ['unknown_ca'],
    shows: 'other-ca',
  },
  {
    id: 'self-signed',
    title: 'self-signed',
    rules: unknownIssuer,
    alerts: ['unknown_ca'],
    shows: 'self-signed',
  },
  {
    id: 'other-mesh',
    title: 'of another mesh',
    rules: unknownIssuer,
    alerts: ['unknown_ca', 'decrypt_error'],
    shows: 'other-mesh',
  },
  {
    id: 'revoked',
    title: 'revoked',
    rules: ['REVOKED'],
    alerts: ['certificate_revoked'],
    shows: 'revoked',
  },
  {
    id: 'not-allowed',
    title: 'not in allow',
    rules: ['CALLER_NOT_ALLOWED'],
    alerts: ['access_denied'],
    shows: 'current',
  },
  {
    id: 'old-tls',
    title: 'old TLS',
    rules: ['TLS_HANDSHAKE_FAILED'],
    alerts: ['protocol_version'],
    shows: 'current',
    ways: ({ minTls }) => (minTls === '1.2' ? [tls11] : [tls12, tls11]),
  },
  {
    id: 'weak-suites',
    title: 'weak suites',
    rules: ['TLS_HANDSHAKE_FAILED'],
    alerts: ['handshake_failure', 'insufficient_security'],
    shows: 'current',
    ways: ({ minTls }) => (minTls === '1.2' ? [shortTag, weak12] : [shortTag]),
  },
]
