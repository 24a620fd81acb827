import type { TbsCertificate } from '../certificate.ts'
import { keyAlgorithms } from '../keys/key-algorithm.ts'
import { keyAlgorithmOf } from '../keys/public-key.ts'
import { PkiError } from '../pki-error.ts'

/** What a certificate takes from the one that issues it. */
export interface IssuerFields {
  readonly issuer: Uint8Array
  readonly signatureIdentifier: Uint8Array
  readonly authorityKeyIdentifier: Uint8Array
}

/**
 * @throws PkiError `PROFILE_INVALID` when the issuer has no subject key identifier to refer to,
 *   `KEY_UNSUPPORTED`
 */
export function issuerFields(issuer: TbsCertificate): IssuerFields {
  const authorityKeyIdentifier = issuer.extensions.subjectKeyIdentifier?.keyIdentifier
  if (authorityKeyIdentifier === undefined) {
    throw new PkiError(
      'PROFILE_INVALID',
      `the issuer ${issuer.subject} has no subject key identifier, which every CA certificate needs (RFC 5280 §4.2.1.2)`,
      { field: 'issuer' },
    )
  }
  const algorithm = issuer.keyAlgorithm ?? keyAlgorithmOf(issuer.spki).algorithm
  return {
    issuer: issuer.subject.der,
    signatureIdentifier: keyAlgorithms[algorithm].signatureIdentifier,
    authorityKeyIdentifier,
  }
}
