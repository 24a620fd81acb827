import type { Certificate } from '../certificate.ts'
import { writeBasicConstraints } from '../extensions/basic-constraints.ts'
import { writeExtension } from '../extensions/extensions.ts'
import {
  keyIdentifierOf,
  writeAuthorityKeyIdentifier,
  writeSubjectKeyIdentifier,
} from '../extensions/key-identifiers.ts'
import { writeKeyUsage } from '../extensions/key-usage.ts'
import { type NameSpaces, writeNameConstraints } from '../extensions/name-constraints.ts'
import { encodeName, type NameParts } from '../name.ts'
import { oids } from '../oids.ts'
import { PkiError } from '../pki-error.ts'
import { issuerFields } from './issuer-fields.ts'
import { type AuthorityStatus, writeStatusExtensions } from './status-extensions.ts'
import { encodeTbsCertificate } from './tbs-certificate.ts'

export interface IssuingCaRequest extends AuthorityStatus {
  readonly serial: Uint8Array
  /** The root. */
  readonly issuer: Certificate
  readonly subject: NameParts
  readonly spki: Uint8Array
  readonly notBefore: number
  readonly notAfter: number
  /** DNS domains below which it may issue; each allows itself and everything to its left. */
  readonly permittedDomains: readonly string[]
  /** Hosts of URIs it may issue: the trust domain. `any`: all, for verifiers that refuse whatever has such a constraint. */
  readonly permittedUriHosts: readonly string[] | 'any'
  /** Addresses or CIDR ranges it may issue; none excludes every address. */
  readonly permittedIps: readonly string[]
  /** How many intermediates may follow; 0 unless told. */
  readonly pathLength?: number
}

/**
 * The to-be-signed certificate of an issuing CA: path length 0, critical name constraints on DNS names, URIs
 * and addresses, no extended key usage (it would restrict what is below, RFC 5280 §4.2.1.12).
 *
 * @returns DER `TBSCertificate`
 * @throws PkiError `PROFILE_INVALID` when domains or URI hosts are empty, `NAME_INVALID`, `KEY_UNSUPPORTED`,
 *   `KEY_WEAK`
 */
export function issuingCaCertificate(request: IssuingCaRequest): Uint8Array {
  const { serial, spki, notBefore, notAfter, pathLength = 0 } = request
  const { crlDistributionPoint, caIssuersUrl } = request
  const { issuer, signatureIdentifier, authorityKeyIdentifier } = issuerFields(request.issuer)
  const { permitted, excluded } = nameSpaces(request)
  return encodeTbsCertificate({
    serial,
    signatureIdentifier,
    issuer,
    notBefore,
    notAfter,
    subject: encodeName(request.subject),
    spki,
    writeExtensions(der) {
      writeExtension(der, oids.basicConstraints, true, () =>
        writeBasicConstraints(der, { ca: true, pathLength }),
      )
      writeExtension(der, oids.keyUsage, true, () => writeKeyUsage(der, ['keyCertSign', 'cRLSign']))
      writeExtension(der, oids.nameConstraints, true, () => writeNameConstraints(der, permitted, excluded))
      writeExtension(der, oids.authorityKeyIdentifier, false, () =>
        writeAuthorityKeyIdentifier(der, authorityKeyIdentifier),
      )
      writeExtension(der, oids.subjectKeyIdentifier, false, () =>
        writeSubjectKeyIdentifier(der, keyIdentifierOf(spki)),
      )
      writeStatusExtensions(der, { crlDistributionPoint, caIssuersUrl })
    },
  })
}

const everyAddress = ['0.0.0.0/0', '::/0']

function nameSpaces(request: IssuingCaRequest): { permitted: NameSpaces; excluded: NameSpaces } {
  const { permittedDomains, permittedUriHosts, permittedIps } = request
  if (permittedDomains.length === 0 || permittedUriHosts.length === 0) {
    throw new PkiError(
      'PROFILE_INVALID',
      'an issuing CA needs at least one permitted domain and one permitted URI host, or it could issue every name',
      { field: permittedDomains.length === 0 ? 'permittedDomains' : 'permittedUriHosts' },
    )
  }
  const uris = permittedUriHosts === 'any' ? {} : { uriHosts: permittedUriHosts }
  const permitted = { domains: permittedDomains, ...uris, ipRanges: permittedIps }
  return { permitted, excluded: permittedIps.length === 0 ? { ipRanges: everyAddress } : {} }
}
