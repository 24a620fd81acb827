import type { Certificate } from '../certificate.ts'
import { verifySignature } from '../keys/signature.ts'
import { equalOctets, hexText } from '../octets.ts'
import { oids } from '../oids.ts'
import { checkDates, checkFitness, refusal } from '../path/check-certificate.ts'
import { PkiError, type PkiErrorData } from '../pki-error.ts'
import { ocspKeyHash } from './cert-id.ts'
import type { BasicOcspResponse, ResponderId } from './ocsp-response.ts'

/**
 * Who may have signed a response: the issuer of the certificate it is about, or a delegate whom that same key has named to
 * sign OCSP responses, valid now (RFC 6960 §4.2.2.2). Nobody else is believed, whoever trusts them otherwise.
 *
 * @param at milliseconds since the epoch
 * @throws PkiError `OCSP_RESPONDER_UNAUTHORIZED`; about the delegate's certificate `CERTIFICATE_UNFIT`,
 *   `CERTIFICATE_EXPIRED`, `CERTIFICATE_NOT_YET_VALID`, `UNKNOWN_CRITICAL_EXTENSION`, `SIGNATURE_INVALID`,
 *   `SIGNATURE_ALGORITHM_UNSUPPORTED`, `KEY_UNSUPPORTED`, `KEY_WEAK`
 */
export function findResponder(response: BasicOcspResponse, issuer: Certificate, at: number): Certificate {
  const { responderId, certificates } = response
  if (isNamed(responderId, issuer)) return issuer
  const delegate = certificates.find((certificate) => isNamed(responderId, certificate))
  if (delegate === undefined) {
    throw unauthorized('it is not the issuer, and its certificate does not come along', {
      found: responderId.form === 'byKey' ? hexText(responderId.keyHash) : responderId.name.toString(),
      allowed: [hexText(ocspKeyHash(issuer)), issuer.subject.toString()],
    })
  }
  checkDelegate(delegate, issuer)
  checkFitness(delegate, 'ocsp-signer')
  checkDates(delegate, at)
  const { tbs, signature, signatureAlgorithm } = delegate
  if (verifySignature({ spki: issuer.spki, message: tbs, signature, algorithm: signatureAlgorithm })) {
    return delegate
  }
  throw refusal('SIGNATURE_INVALID', delegate, `it is not signed by the key of ${issuer.subject}`)
}

function checkDelegate(delegate: Certificate, issuer: Certificate): void {
  if (!delegate.issuer.equals(issuer.subject)) {
    throw unauthorized(`its certificate is of ${delegate.issuer}, not of ${issuer.subject}`, {
      found: delegate.issuer.toString(),
      allowed: issuer.subject.toString(),
    })
  }
  const { extendedKeyUsage, keyUsage, basicConstraints } = delegate.extensions
  const purposes = extendedKeyUsage?.purposes ?? []
  // anyExtendedKeyUsage is not enough: §4.2.2.2 wants it named.
  if (!purposes.includes(oids.ocspSigning)) {
    throw unauthorized('the extended key usage of its certificate does not include OCSPSigning', {
      found: purposes,
      allowed: oids.ocspSigning,
    })
  }
  if (basicConstraints?.ca || keyUsage?.usages.has('digitalSignature') === false) {
    throw unauthorized('its certificate is that of a CA, or its key usage lacks digitalSignature', {
      found: [...(keyUsage?.usages ?? [])],
      allowed: 'digitalSignature',
    })
  }
}

function isNamed(responderId: ResponderId, certificate: Certificate): boolean {
  return responderId.form === 'byName'
    ? responderId.name.equals(certificate.subject)
    : equalOctets(responderId.keyHash, ocspKeyHash(certificate))
}

function unauthorized(why: string, data: PkiErrorData): PkiError {
  return new PkiError('OCSP_RESPONDER_UNAUTHORIZED', `the OCSP responder may not answer: ${why}`, data)
}
