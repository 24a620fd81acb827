import type { Certificate } from '../certificate.ts'
import { writeExtension } from '../extensions/extensions.ts'
import { writeSubjectAltName } from '../extensions/subject-alt-name.ts'
import { encodeName, type NameParts } from '../name.ts'
import { oids } from '../oids.ts'
import { issuerFields } from './issuer-fields.ts'
import { leafUsage, writeKeysAndStatus } from './leaf-extensions.ts'
import type { LeafStatus } from './status-extensions.ts'
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
      writeKeysAndStatus(der, { authorityKeyIdentifier, spki }, request)
    },
  })
}

const usageOfEveryOperator = leafUsage([oids.clientAuth])
