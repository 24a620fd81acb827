import {
  type Certificate,
  type CertStatus,
  checkOcspResponse,
  PkiError,
  parseOcspResponse,
  statusRequest,
} from '@datapunk/pki'
import { keyIdOf } from '@datapunk/protocol'
import type { MeshView } from './view.ts'

/** An OCSP answer about one certificate, from somebody whom its issuing CA lets answer. Times in milliseconds since the epoch. */
export interface Staple {
  readonly der: Buffer
  readonly status: CertStatus
  readonly thisUpdate: number
  /** Through this moment it is to be believed, and so is whoever signed it. */
  readonly until: number
}

/** A certificate, and the issuing CA that has signed it, by the `keyIdOf` of its key. */
export interface Stapled {
  readonly leaf: Certificate
  readonly issuer: string
}

/** Whether a certificate says that no server may show it without a staple (RFC 7633). */
export function isMustStaple({ extensions }: Certificate): boolean {
  return extensions.tlsFeature?.features.includes(statusRequest) ?? false
}

/**
 * Takes an answer apart and checks it. What it says of the certificate is its `status`.
 *
 * @param at milliseconds since the epoch
 * @throws PkiError
 */
export function examineStaple(der: Uint8Array, stapled: Stapled, view: MeshView, at: number): Staple {
  const { leaf } = stapled
  const response = parseOcspResponse(der)
  const issuer = issuerOf(stapled, view)
  const { clockSkew } = view
  const { status, thisUpdate, nextUpdate, responder } = checkOcspResponse({
    response,
    ...{ leaf, issuer, at, clockSkew },
  })
  return { der: Buffer.from(der), status, thisUpdate, until: Math.min(nextUpdate, responder.notAfter) }
}

function issuerOf({ leaf, issuer }: Stapled, { trust }: MeshView): Certificate {
  const found = [...trust.issuingCas, ...trust.roots].find(
    (ca) => ca.subject.equals(leaf.issuer) && keyIdOf(ca.spki) === issuer,
  )
  if (found !== undefined) return found
  throw new PkiError(
    'ISSUER_UNKNOWN',
    `${leaf.issuer}, which issued ${leaf.serial}, is no CA of the mesh now`,
  )
}
