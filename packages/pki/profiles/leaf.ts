import type { Certificate } from '../certificate.ts'
import { encodeDer } from '../der/writer.ts'
import { writeBasicConstraints } from '../extensions/basic-constraints.ts'
import { writeExtendedKeyUsage } from '../extensions/extended-key-usage.ts'
import { writeExtension } from '../extensions/extensions.ts'
import {
  keyIdentifierOf,
  writeAuthorityKeyIdentifier,
  writeSubjectKeyIdentifier,
} from '../extensions/key-identifiers.ts'
import { writeKeyUsage } from '../extensions/key-usage.ts'
import { writeSubjectAltName } from '../extensions/subject-alt-name.ts'
import { encodeName, fitsUpperBound, type NameParts } from '../name.ts'
import { oids } from '../oids.ts'
import { issuerFields } from './issuer-fields.ts'
import { type LeafStatus, writeStatusExtensions } from './status-extensions.ts'
import { encodeTbsCertificate } from './tbs-certificate.ts'

export interface LeafRequest extends LeafStatus {
  /** 16 random octets. */
  readonly serial: Uint8Array
  /** The issuing CA. */
  readonly issuer: Certificate
  /**
   * A common name of more than 64 characters is left out: names are matched in the subject alternative name
   * only.
   */
  readonly subject: NameParts
  readonly spki: Uint8Array
  /** Milliseconds since the epoch. */
  readonly notBefore: number
  readonly notAfter: number
  readonly dnsNames: readonly string[]
  /** Exactly one, the SPIFFE ID (X509-SVID §2). */
  readonly uris: readonly string[]
  /** In text form. */
  readonly ipAddresses: readonly string[]
}

/**
 * The to-be-signed certificate of an instance of a service: both a server and a client, never a CA.
 *
 * @returns DER `TBSCertificate`
 * @throws PkiError `PROFILE_INVALID`, `NAME_INVALID`, `KEY_UNSUPPORTED`, `KEY_WEAK`
 */
export function leafCertificate(request: LeafRequest): Uint8Array {
  const { serial, spki, notBefore, notAfter } = request
  const { issuer, signatureIdentifier, authorityKeyIdentifier } = issuerFields(request.issuer)
  const subject = encodeName(withoutLongName(request.subject))
  return encodeTbsCertificate({
    serial,
    signatureIdentifier,
    issuer,
    notBefore,
    notAfter,
    subject,
    spki,
    writeExtensions(der) {
      // RFC 5280 §4.2.1.6: critical where the subject is empty, which is an empty SEQUENCE.
      writeExtension(der, oids.subjectAltName, subject.length === 2, () => writeSubjectAltName(der, request))
      der.raw(usageOfEveryLeaf)
      writeExtension(der, oids.authorityKeyIdentifier, false, () =>
        writeAuthorityKeyIdentifier(der, authorityKeyIdentifier),
      )
      writeExtension(der, oids.subjectKeyIdentifier, false, () =>
        writeSubjectKeyIdentifier(der, keyIdentifierOf(spki)),
      )
      writeStatusExtensions(der, request)
    },
  })
}

const usageOfEveryLeaf = encodeDer((der) => {
  writeExtension(der, oids.keyUsage, true, () => writeKeyUsage(der, ['digitalSignature']))
  writeExtension(der, oids.extendedKeyUsage, false, () =>
    writeExtendedKeyUsage(der, [oids.serverAuth, oids.clientAuth]),
  )
  writeExtension(der, oids.basicConstraints, true, () =>
    writeBasicConstraints(der, { ca: false, pathLength: undefined }),
  )
})

/** `ub-common-name` is 64 characters (RFC 5280 appendix A.1). */
function withoutLongName(subject: NameParts): NameParts {
  const { commonName } = subject
  return commonName !== undefined && !fitsUpperBound(commonName)
    ? { ...subject, commonName: undefined }
    : subject
}
