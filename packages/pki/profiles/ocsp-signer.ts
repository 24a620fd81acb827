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
import { writeOcspNoCheck } from '../extensions/ocsp-no-check.ts'
import { encodeName, type NameParts } from '../name.ts'
import { oids } from '../oids.ts'
import { issuerFields } from './issuer-fields.ts'
import { encodeTbsCertificate } from './tbs-certificate.ts'

export interface OcspSignerRequest {
  /** 16 random octets. */
  readonly serial: Uint8Array
  /** The CA whose certificates it answers for: a delegate is issued by that CA itself (RFC 6960 §4.2.2.2). */
  readonly issuer: Certificate
  /** With a common name that is no DNS name: without alternative names, OpenSSL takes such a one for an alternative name. */
  readonly subject: NameParts
  readonly spki: Uint8Array
  /** Milliseconds since the epoch. Short, for nobody can revoke it. */
  readonly notBefore: number
  readonly notAfter: number
}

/**
 * The to-be-signed certificate of a key that signs OCSP responses and nothing else, about which nobody is to ask
 * (`id-pkix-ocsp-nocheck`).
 *
 * @returns DER `TBSCertificate`
 * @throws PkiError `PROFILE_INVALID`, `NAME_INVALID`, `KEY_UNSUPPORTED`, `KEY_WEAK`
 */
export function ocspSignerCertificate(request: OcspSignerRequest): Uint8Array {
  const { serial, subject, spki, notBefore, notAfter } = request
  const { issuer, signatureIdentifier, authorityKeyIdentifier } = issuerFields(request.issuer)
  return encodeTbsCertificate({
    serial,
    signatureIdentifier,
    issuer,
    notBefore,
    notAfter,
    subject: encodeName(subject),
    spki,
    writeExtensions(der) {
      der.raw(usageOfEveryOcspSigner)
      writeExtension(der, oids.authorityKeyIdentifier, false, () =>
        writeAuthorityKeyIdentifier(der, authorityKeyIdentifier),
      )
      writeExtension(der, oids.subjectKeyIdentifier, false, () =>
        writeSubjectKeyIdentifier(der, keyIdentifierOf(spki)),
      )
    },
  })
}

const usageOfEveryOcspSigner = encodeDer((der) => {
  writeExtension(der, oids.keyUsage, true, () => writeKeyUsage(der, ['digitalSignature']))
  writeExtension(der, oids.extendedKeyUsage, false, () => writeExtendedKeyUsage(der, [oids.ocspSigning]))
  writeExtension(der, oids.basicConstraints, true, () =>
    writeBasicConstraints(der, { ca: false, pathLength: undefined }),
  )
  writeExtension(der, oids.ocspNoCheck, false, () => writeOcspNoCheck(der))
})
