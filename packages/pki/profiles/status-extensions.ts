import type { DerWriter } from '../der/writer.ts'
import { writeAuthorityInfoAccess } from '../extensions/authority-info-access.ts'
import { writeCrlDistributionPoint } from '../extensions/crl-distribution-points.ts'
import { writeExtension } from '../extensions/extensions.ts'
import { statusRequest, writeTlsFeature } from '../extensions/tls-feature.ts'
import { oids } from '../oids.ts'

/** Where the status of an authority's certificate is to be learned; what is left out is not said. */
export interface AuthorityStatus {
  /** `http` URI of the CRL that lists this certificate, encoded as that CRL names itself (RFC 5280 §4.2.1.13, §5.2.5). */
  readonly crlDistributionPoint?: string | undefined
  /** `http` URI of the DER certificate of the issuer (RFC 5280 §4.2.2.1). */
  readonly caIssuersUrl?: string | undefined
}

/** The same of a leaf, about which more can be asked. */
export interface LeafStatus extends AuthorityStatus {
  /** `http` URI of the delta of that CRL (RFC 5280 §4.2.1.15). */
  readonly freshestCrl?: string | undefined
  /** `http` URI of the OCSP responder (RFC 6960 §3.1). */
  readonly ocspUrl?: string | undefined
  /** Whether clients are to refuse this certificate without a stapled OCSP response (RFC 7633). */
  readonly mustStaple?: boolean | undefined
}

/**
 * Writes those extensions that are wanted, none of them critical.
 *
 * @throws PkiError `NAME_INVALID` for a URI that is empty or not printable ASCII
 */
export function writeStatusExtensions(der: DerWriter, status: LeafStatus): void {
  const { crlDistributionPoint, freshestCrl, ocspUrl, caIssuersUrl, mustStaple } = status
  for (const [oid, uri] of [
    [oids.crlDistributionPoints, crlDistributionPoint],
    [oids.freshestCrl, freshestCrl],
  ] as const) {
    if (uri !== undefined) writeExtension(der, oid, false, () => writeCrlDistributionPoint(der, uri))
  }
  if (ocspUrl !== undefined || caIssuersUrl !== undefined) {
    writeExtension(der, oids.authorityInfoAccess, false, () =>
      writeAuthorityInfoAccess(der, [
        ...(ocspUrl === undefined ? [] : [[oids.ocsp, ocspUrl] as const]),
        ...(caIssuersUrl === undefined ? [] : [[oids.caIssuers, caIssuersUrl] as const]),
      ]),
    )
  }
  if (mustStaple) writeExtension(der, oids.tlsFeature, false, () => writeTlsFeature(der, [statusRequest]))
}
