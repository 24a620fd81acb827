import type { Certificate } from '../certificate.ts'
import { writeExtension } from '../extensions/extensions.ts'
import { writeSubjectAltName } from '../extensions/subject-alt-name.ts'
import { encodeName, fitsUpperBound, type NameParts } from '../name.ts'
import { oids } from '../oids.ts'
import { issuerFields } from './issuer-fields.ts'
import { leafUsage, writeKeysAndStatus } from './leaf-extensions.ts'
import type { LeafStatus } from './status-extensions.ts'
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
      writeKeysAndStatus(der, { authorityKeyIdentifier, spki }, request)
    },
  })
}

const usageOfEveryLeaf = leafUsage([oids.serverAuth, oids.clientAuth])

/** `ub-common-name` is 64 characters (RFC 5280 appendix A.1). */
function withoutLongName(subject: NameParts): NameParts {
  const { commonName } = subject
  return commonName !== undefined && !fitsUpperBound(commonName)
    ? { ...subject, commonName: undefined }
    : subject
}
