import type { DerReader } from '../der/reader.ts'
import { constructed, primitive } from '../der/tag.ts'
import type { DerWriter } from '../der/writer.ts'
import { type RevocationReason, readReasonCode, writeReasonCode } from '../extensions/reason-code.ts'
import { ocspMalformed } from './ocsp-malformed.ts'

/** `removeFromCRL` is for delta CRLs only (RFC 5280 §5.3.1). */
export type OcspRevocationReason = Exclude<RevocationReason, 'removeFromCRL'>

/** What a responder knows about a certificate. `unknown`: nothing. */
export type CertStatus =
  | { readonly kind: 'good' }
  | {
      readonly kind: 'revoked'
      /** Milliseconds since the epoch, whole seconds. */
      readonly at: number
      readonly reason: OcspRevocationReason
    }
  | { readonly kind: 'unknown' }

/**
 * ```
 * CertStatus ::= CHOICE { good [0] IMPLICIT NULL, revoked [1] IMPLICIT RevokedInfo, unknown [2] IMPLICIT NULL }
 * RevokedInfo ::= SEQUENCE {
 *   revocationTime GeneralizedTime, revocationReason [0] EXPLICIT CRLReason OPTIONAL }
 * ```
 * RFC 6960 §4.2.1. No reason is the same as `unspecified` (RFC 5280 §5.3.1).
 */
export function readCertStatus(der: DerReader): CertStatus {
  if (der.next(constructed(1))) {
    return der.inside(constructed(1), (revoked) => ({
      kind: 'revoked',
      at: revoked.generalizedTime(),
      reason: revoked.optional(0, readReason) ?? 'unspecified',
    }))
  }
  const kind = der.next(primitive(0)) ? 'good' : 'unknown'
  if (der.content(primitive(numbers[kind])).length > 0) throw ocspMalformed('a NULL has content')
  return { kind }
}

export function writeCertStatus(der: DerWriter, status: CertStatus): void {
  if (status.kind !== 'revoked') {
    der.element(primitive(numbers[status.kind]), nothing)
    return
  }
  const { at, reason } = status
  der.inside(constructed(1), () => {
    der.generalizedTime(at)
    // RFC 5280 §5.3.1: absent rather than unspecified.
    if (reason !== 'unspecified') der.explicit(0, () => writeReasonCode(der, reason))
  })
}

const numbers = { good: 0, unknown: 2 } as const
const nothing = new Uint8Array()

function readReason(der: DerReader): OcspRevocationReason {
  const reason = readReasonCode(der)
  if (reason !== 'removeFromCRL') return reason
  throw ocspMalformed('a certificate is revoked with the reason removeFromCRL, which is for CRLs')
}
