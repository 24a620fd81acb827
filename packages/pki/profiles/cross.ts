import type { Certificate } from '../certificate.ts'
import { writeBasicConstraints } from '../extensions/basic-constraints.ts'
import { writeExtension } from '../extensions/extensions.ts'
import {
  keyIdentifierOf,
  writeAuthorityKeyIdentifier,
  writeSubjectKeyIdentifier,
} from '../extensions/key-identifiers.ts'
import { writeKeyUsage } from '../extensions/key-usage.ts'
import { oids } from '../oids.ts'
import { issuerFields } from './issuer-fields.ts'
import { type AuthorityStatus, writeStatusExtensions } from './status-extensions.ts'
import { encodeTbsCertificate } from './tbs-certificate.ts'

export interface CrossRequest extends AuthorityStatus {
  /** Big-endian random octets, 16 are usual. */
  readonly serial: Uint8Array
  /** The root that vouches. */
  readonly issuer: Certificate
  /** The root that is vouched for: its name and its key. */
  readonly subject: Certificate
  /** Milliseconds since the epoch. */
  readonly notBefore: number
  readonly notAfter: number
}

/**
 * The to-be-signed cross-certificate of one root by another, so that whoever trusts only one of the two can follow chains to
 * both (RFC 9810, "Root CA Key Update": new with old, and old with new).
 *
 * @returns DER `TBSCertificate`
 * @throws PkiError `PROFILE_INVALID`, `KEY_UNSUPPORTED`, `KEY_WEAK`
 */
export function crossCertificate(request: CrossRequest): Uint8Array {
  const { serial, subject, notBefore, notAfter, crlDistributionPoint, caIssuersUrl } = request
  const { issuer, signatureIdentifier, authorityKeyIdentifier } = issuerFields(request.issuer)
  return encodeTbsCertificate({
    serial,
    signatureIdentifier,
    issuer,
    notBefore,
    notAfter,
    subject: subject.subject.der,
    spki: subject.spki,
    writeExtensions(der) {
      writeExtension(der, oids.basicConstraints, true, () =>
        writeBasicConstraints(der, { ca: true, pathLength: undefined }),
      )
      writeExtension(der, oids.keyUsage, true, () => writeKeyUsage(der, ['keyCertSign', 'cRLSign']))
      writeExtension(der, oids.authorityKeyIdentifier, false, () =>
        writeAuthorityKeyIdentifier(der, authorityKeyIdentifier),
      )
      writeExtension(der, oids.subjectKeyIdentifier, false, () =>
        writeSubjectKeyIdentifier(der, keyIdentifierOf(subject.spki)),
      )
      writeStatusExtensions(der, { crlDistributionPoint, caIssuersUrl })
    },
  })
}
