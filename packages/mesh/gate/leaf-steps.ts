import {
  type Certificate,
  PkiError,
  parseCertificate,
  parseSpiffeId,
  type VerifiedPath,
  verifyPath,
} from '@datapunk/pki'
import type { Member } from '@datapunk/protocol'
import { Refused } from './refusal.ts'
import type { Usage } from './usage.ts'
import type { MeshView } from './view.ts'

/** What mends most refusals of a certificate. */
export const ownPair = 'use the pair that `mtls apply` wrote; `mtls inspect FILE` shows what this one is'

/** @throws Refused */
export function leafOf(der: Uint8Array): Certificate {
  return checked(() => parseCertificate(der))
}

/**
 * Step 1 of the gate: path and leaf profile, up to the trust statement's CAs.
 *
 * @param at milliseconds since the epoch
 * @throws Refused
 */
export function pathOf(leaf: Certificate, view: MeshView, usage: Usage, at: number): VerifiedPath {
  const { issuingCas, roots } = view.trust
  return checked(() => verifyPath({ leaf, intermediates: issuingCas, roots, at, usage }), leaf)
}

/** DER SubjectPublicKeyInfo of whoever has signed the leaf. */
export function issuerOf({ chain: [leaf, issuer] }: VerifiedPath): Uint8Array {
  return (issuer ?? leaf!).spki
}

/**
 * Step 2 of the gate. X509-SVID 2: exactly one URI SAN, a SPIFFE ID; whatever has more is refused. The CN is never looked at (RFC 9525 2).
 *
 * @throws Refused
 */
export function memberOf(leaf: Certificate, view: MeshView): Member {
  const uris = leaf.extensions.subjectAltName?.uris ?? []
  const [uri] = uris
  if (uri === undefined || uris.length !== 1) {
    throw new Refused(
      'SPIFFE_ID_INVALID',
      `found ${uris.length} URIs in the certificate's subjectAltName; allowed: exactly one, a SPIFFE ID`,
      ownPair,
      { leaf },
    )
  }
  const id = checked(() => parseSpiffeId(uri), leaf)
  const member = view.bundle.memberBySpiffeId.get(uri)
  if (id.trustDomain === view.trust.trustDomain && member !== undefined) return member
  throw new Refused(
    'NOT_A_MEMBER',
    `found ${uri}; allowed: the members of the mesh ${view.trust.trustDomain}`,
    'add the service to the config file and run `mtls apply`',
    { leaf },
  )
}

function fixFor(code: PkiError['code']): string {
  switch (code) {
    case 'CERTIFICATE_EXPIRED':
      return '`mtls apply` issues a new pair, which a running service takes up by itself'
    case 'CERTIFICATE_NOT_YET_VALID':
      return 'set the clocks of both machines right'
    default:
      return ownPair
  }
}

function checked<T>(check: () => T, leaf?: Certificate): T {
  try {
    return check()
  } catch (error) {
    if (!(error instanceof PkiError)) throw error
    throw new Refused(error.code, error.message, fixFor(error.code), { cause: error, ...(leaf && { leaf }) })
  }
}
