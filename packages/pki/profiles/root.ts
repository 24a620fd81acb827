import { writeBasicConstraints } from '../extensions/basic-constraints.ts'
import { writeExtension } from '../extensions/extensions.ts'
import { keyIdentifierOf, writeSubjectKeyIdentifier } from '../extensions/key-identifiers.ts'
import { writeKeyUsage } from '../extensions/key-usage.ts'
import { keyAlgorithms } from '../keys/key-algorithm.ts'
import { keyAlgorithmOf } from '../keys/public-key.ts'
import { encodeName, type NameParts } from '../name.ts'
import { oids } from '../oids.ts'
import { encodeTbsCertificate } from './tbs-certificate.ts'

export interface RootRequest {
  /** Big-endian random octets, 16 are usual. */
  readonly serial: Uint8Array
  readonly subject: NameParts
  /** DER SubjectPublicKeyInfo of the root's own key, which will sign. */
  readonly spki: Uint8Array
  /** Milliseconds since the epoch. */
  readonly notBefore: number
  readonly notAfter: number
}

/**
 * The to-be-signed certificate of a root: CA without a path length, key usage for certificates and CRLs, its
 * key identifier, and nothing else (RFC 5280 §4.2.1.1 lets a root go without an authority key identifier).
 *
 * @returns DER `TBSCertificate`
 * @throws PkiError `PROFILE_INVALID`, `NAME_INVALID`, `KEY_UNSUPPORTED`, `KEY_WEAK`
 */
export function rootCertificate(request: RootRequest): Uint8Array {
  const { serial, spki, notBefore, notAfter } = request
  const subject = encodeName(request.subject)
  return encodeTbsCertificate({
    serial,
    signatureIdentifier: keyAlgorithms[keyAlgorithmOf(spki).algorithm].signatureIdentifier,
    issuer: subject,
    notBefore,
    notAfter,
    subject,
    spki,
    writeExtensions(der) {
      writeExtension(der, oids.basicConstraints, true, () =>
        writeBasicConstraints(der, { ca: true, pathLength: undefined }),
      )
      writeExtension(der, oids.keyUsage, true, () => writeKeyUsage(der, ['keyCertSign', 'cRLSign']))
      writeExtension(der, oids.subjectKeyIdentifier, false, () =>
        writeSubjectKeyIdentifier(der, keyIdentifierOf(spki)),
      )
    },
  })
}
