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
import { encodeName, type NameParts } from '../name.ts'
import { oids } from '../oids.ts'
import { issuerFields } from './issuer-fields.ts'
import { type LeafStatus, writeStatusExtensions } from './status-extensions.ts'
import { encodeTbsCertificate } from './tbs-certificate.ts'

export interface OperatorRequest extends Omit<LeafStatus, 'mustStaple'> {
  /** 16 random octets. */
  readonly serial: Uint8Array
  /** The issuing CA. */
  readonly issuer: Certificate
  /** Its common name is the operator's, as at the end of the SPIFFE ID: browsers show it where one chooses a certificate. */
  readonly subject: NameParts
  readonly spki: Uint8Array
  /** Milliseconds since the epoch. */
  readonly notBefore: number
  readonly notAfter: number
  /** Exactly one, the SPIFFE ID `spiffe://TRUST_DOMAIN/operator/NAME`. */
  readonly uris: readonly string[]
}

/**
 * The to-be-signed certificate of a person who looks after the mesh: a client of the console, never a server, and no member.
 *
 * @returns DER `TBSCertificate`
 * @throws PkiError `PROFILE_INVALID`, `NAME_INVALID`, `KEY_UNSUPPORTED`, `KEY_WEAK`
 */
export function operatorCertificate(request: OperatorRequest): Uint8Array {
  const { serial, subject, spki, notBefore, notAfter, uris } = request
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
      writeExtension(der, oids.subjectAltName, false, () =>
        writeSubjectAltName(der, { dnsNames: [], uris, ipAddresses: [] }),
      )
      der.raw(usageOfEveryOperator)
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

const usageOfEveryOperator = encodeDer((der) => {
  writeExtension(der, oids.keyUsage, true, () => writeKeyUsage(der, ['digitalSignature']))
  writeExtension(der, oids.extendedKeyUsage, false, () => writeExtendedKeyUsage(der, [oids.clientAuth]))
  writeExtension(der, oids.basicConstraints, true, () =>
    writeBasicConstraints(der, { ca: false, pathLength: undefined }),
  )
})
