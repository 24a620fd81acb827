import {
  type Certificate,
  onlySpiffeId,
  PkiError,
  parseCertificate,
  type Usage,
  type VerifiedPath,
  verifyPath,
} from '@datapunk/pki'
import type { Member } from '@datapunk/protocol'
import { Refused } from '../refusal.ts'
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

/** Step 2 of the gate. @throws Refused */
export function memberOf(leaf: Certificate, view: MeshView): Member {
  const id = checked(() => onlySpiffeId(leaf), leaf)
  const member = view.bundle.memberBySpiffeId.get(`${id}`)
  if (id.trustDomain === view.trust.trustDomain && member !== undefined) return member
  throw notAMember(`${id}`, view, leaf)
}

/** As `memberOf`, where its certificate can't be looked at. @throws Refused */
export function memberNamed(service: string, view: MeshView): Member {
  const member = view.bundle.members.get(service)
  if (member !== undefined) return member
  throw notAMember(service, view)
}

function notAMember(found: string, view: MeshView, leaf?: Certificate): Refused {
  return new Refused(
    'NOT_A_MEMBER',
    `found ${found}; allowed: the members of the mesh ${view.trust.trustDomain}`,
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
