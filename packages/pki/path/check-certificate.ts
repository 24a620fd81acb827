import type { Certificate } from '../certificate.ts'
import { keyAlgorithmOf } from '../keys/public-key.ts'
import { oids } from '../oids.ts'
import { PkiError, type PkiErrorCode, type PkiErrorData } from '../pki-error.ts'
import { endOf } from './end-of.ts'
import { type PlaceInPath, refusingRules } from './strictness.ts'

/** What the key of a leaf is wanted for (RFC 5280 §4.2.1.12). */
export type Usage = 'serverAuth' | 'clientAuth'

/**
 * Whether a certificate may stand in this place of a path at all, whatever the path: form, key, critical
 * extensions.
 *
 * @throws PkiError with the code that `strictness` lists, `KEY_WEAK`, `KEY_UNSUPPORTED`,
 *   `UNKNOWN_CRITICAL_EXTENSION`
 */
export function checkFitness(certificate: Certificate, profile: PlaceInPath): void {
  const linted = { certificate, profile, issuer: certificate }
  for (const { rule, code } of refusingRules(profile)) {
    const message = rule.check(linted)
    if (message !== undefined)
      throw refusal(code, certificate, `${message} (${rule.source})`, { rule: rule.name })
  }
  if (certificate.keyAlgorithm === undefined) keyAlgorithmOf(certificate.spki)
  const [oid] = certificate.extensions.unknownCritical
  if (oid !== undefined) {
    throw refusal(
      'UNKNOWN_CRITICAL_EXTENSION',
      certificate,
      `it has the critical extension ${oid}, which is not understood here (RFC 5280 §4.2)`,
      { extension: oid },
    )
  }
}

/**
 * Whether `at` lies within the validity, both ends included. Certificates count in seconds, so the last
 * second counts to its end (RFC 5280 §4.1.2.5).
 *
 * @param at milliseconds since the epoch
 * @throws PkiError `CERTIFICATE_EXPIRED`, `CERTIFICATE_NOT_YET_VALID`
 */
export function checkDates(certificate: Certificate, at: number): void {
  const { notBefore, notAfter } = certificate
  if (at < notBefore) {
    throw refusal(
      'CERTIFICATE_NOT_YET_VALID',
      certificate,
      `it is valid from ${utc(notBefore)}, and it is ${utc(at)}; if that is wrong, set the clock`,
      { at, notBefore, notAfter },
    )
  }
  checkExpiry(certificate, at)
}

/** @throws PkiError `CERTIFICATE_EXPIRED` */
export function checkExpiry(certificate: Certificate, at: number): void {
  const { notBefore, notAfter } = certificate
  if (at >= endOf(notAfter)) {
    throw refusal('CERTIFICATE_EXPIRED', certificate, `it expired ${utc(notAfter)}, and it is ${utc(at)}`, {
      at,
      notBefore,
      notAfter,
    })
  }
}

/**
 * Whether a certificate is a leaf whose key may be used like this in TLS.
 *
 * @throws PkiError `LEAF_IS_CA`, `KEY_USAGE_NOT_ALLOWED`, `ANY_EXTENDED_KEY_USAGE`,
 *   `EXTENDED_KEY_USAGE_MISSING`, `EXTENDED_KEY_USAGE_NOT_ALLOWED`
 */
export function checkLeafUsage(leaf: Certificate, usage: Usage): void {
  const { basicConstraints, keyUsage, extendedKeyUsage } = leaf.extensions
  // X509-SVID §5.2 and §4.3: neither CA nor signer of certificates or CRLs.
  if (basicConstraints?.ca || keyUsage?.usages.has('keyCertSign') || keyUsage?.usages.has('cRLSign')) {
    throw refusal('LEAF_IS_CA', leaf, 'it is a CA, and was presented as the certificate of a service')
  }
  // RFC 9846 §4.5.1: TLS 1.3 signs with the key.
  if (keyUsage !== undefined && !keyUsage.usages.has('digitalSignature')) {
    throw refusal('KEY_USAGE_NOT_ALLOWED', leaf, 'its key usage lacks digitalSignature', {
      found: [...keyUsage.usages],
    })
  }
  if (extendedKeyUsage === undefined) {
    throw refusal('EXTENDED_KEY_USAGE_MISSING', leaf, `it has no extended key usage; ${usage} is needed`, {
      usage,
    })
  }
  if (extendedKeyUsage.purposes.includes(oids.anyExtendedKeyUsage)) {
    throw refusal(
      'ANY_EXTENDED_KEY_USAGE',
      leaf,
      `its extended key usage allows everything; ${usage} must be named`,
      {
        usage,
      },
    )
  }
  if (!extendedKeyUsage.purposes.includes(oids[usage])) throw wrongPurpose(leaf, usage)
}

/**
 * An extended key usage in a CA certificate restricts what is below it, as all verifiers read it.
 *
 * @throws PkiError `EXTENDED_KEY_USAGE_NOT_ALLOWED`
 */
export function checkAuthorityUsage(authority: Certificate, usage: Usage): void {
  const purposes = authority.extensions.extendedKeyUsage?.purposes
  if (purposes === undefined || purposes.includes(oids.anyExtendedKeyUsage) || purposes.includes(oids[usage]))
    return
  throw wrongPurpose(authority, usage)
}

/** An error about one certificate of a path, which it names. */
export function refusal(
  code: PkiErrorCode,
  certificate: Certificate,
  message: string,
  data: PkiErrorData = {},
): PkiError {
  const { subject, serial } = certificate
  return new PkiError(
    code,
    `the certificate ${subject.isEmpty ? `with serial ${serial}` : subject}: ${message}`,
    {
      ...data,
      subject: subject.toString(),
      serial,
    },
  )
}

function wrongPurpose(certificate: Certificate, usage: Usage): PkiError {
  const found = certificate.extensions.extendedKeyUsage?.purposes
  return refusal(
    'EXTENDED_KEY_USAGE_NOT_ALLOWED',
    certificate,
    `its extended key usage does not include ${usage}`,
    {
      usage,
      found,
    },
  )
}

function utc(time: number): string {
  return new Date(time).toISOString()
}
