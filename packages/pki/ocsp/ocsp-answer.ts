import type { DerReader } from '../der/reader.ts'
import type { DerWriter } from '../der/writer.ts'
import { type CertId, readCertId } from './cert-id.ts'
import { type CertStatus, readCertStatus, writeCertStatus } from './cert-status.ts'
import { readOcspExtensions } from './ocsp-extensions.ts'
import { ocspMalformed } from './ocsp-malformed.ts'

/** What a response says about one certificate. Times in milliseconds since the epoch; fractions of a second are dropped. */
export interface OcspAnswer {
  readonly certId: CertId
  readonly status: CertStatus
  /** The last moment of which the responder knows this to be right. */
  readonly thisUpdate: number
  /** By then there is newer information. */
  readonly nextUpdate: number
}

/** An answer as others give it: RFC 6960 lets them leave `nextUpdate` out, RFC 9919 §3.2.4 doesn't. */
export type ReadOcspAnswer = Omit<OcspAnswer, 'nextUpdate'> & { readonly nextUpdate: number | undefined }

/**
 * ```
 * SingleResponse ::= SEQUENCE {
 *   certID CertID, certStatus CertStatus, thisUpdate GeneralizedTime,
 *   nextUpdate [0] EXPLICIT GeneralizedTime OPTIONAL, singleExtensions [1] EXPLICIT Extensions OPTIONAL }
 * ```
 * RFC 6960 §4.2.1.
 */
export function readOcspAnswer(der: DerReader): ReadOcspAnswer {
  return der.sequence((answer) => {
    const certId = readCertId(answer)
    const status = readCertStatus(answer)
    const thisUpdate = answer.generalizedTime()
    const nextUpdate = answer.optional(0, (next) => next.generalizedTime())
    answer.optional(1, (extensions) => readOcspExtensions(extensions, []))
    if (nextUpdate !== undefined && nextUpdate < thisUpdate)
      throw ocspMalformed('the next update of an answer comes before this one', {
        found: nextUpdate,
        allowed: thisUpdate,
      })
    return { certId, status, thisUpdate, nextUpdate }
  })
}

export function writeOcspAnswer(
  der: DerWriter,
  { certId, status, thisUpdate, nextUpdate }: OcspAnswer,
): void {
  der.sequence(() => {
    der.raw(certId.der)
    writeCertStatus(der, status)
    der.generalizedTime(thisUpdate)
    der.explicit(0, () => der.generalizedTime(nextUpdate))
  })
}
