import { type Certificate, onlySpiffeId, PkiError, parseCertificate, verifyPath } from '@datapunk/pki'
import { authoritySpiffeId, keyIdOf, type RevokedSet } from '@datapunk/protocol'
import { Refused } from '../refusal.ts'

/** What the authority's certificate has to stand on. */
export interface AuthorityTrust {
  readonly roots: readonly Certificate[]
  readonly issuingCas: readonly Certificate[]
  readonly trustDomain: string
  /** Serials that nobody accepts any more; absent where no bundle is believed yet. */
  readonly revoked?: RevokedSet | undefined
}

/** The authority's own certificate, after every check. */
export interface AuthorityStanding {
  /** DER. */
  readonly der: Uint8Array
  /** The issuing CA that has signed it, by the `keyIdOf` of its key. */
  readonly issuer: string
  /** When it, or the chain above it, ends; milliseconds since the epoch. */
  readonly notAfter: number
}

/**
 * Whether a certificate is the authority's: path and leaf profile, exactly one SPIFFE ID, that of the authority
 * (X509-SVID 2), and not revoked. Its address proves nothing, and the CN is never looked at.
 *
 * @param der as it was shown; whatever else was sent is not looked at
 * @param at milliseconds since the epoch
 * @throws Refused
 */
export function examineAuthority(der: Uint8Array, trust: AuthorityTrust, at: number): AuthorityStanding {
  const { roots, issuingCas, trustDomain, revoked } = trust
  const leaf = checked(() => parseCertificate(der))
  const path = checked(
    () => verifyPath({ leaf, intermediates: issuingCas, roots, at, usage: 'serverAuth' }),
    leaf,
  )
  const id = checked(() => onlySpiffeId(leaf), leaf)
  const allowed = authoritySpiffeId(trustDomain)
  if (`${id}` !== allowed) {
    throw new Refused(
      'OTHER_SERVICE',
      `found ${id} in place of the authority; allowed: ${allowed}`,
      seeWhatListens,
      { leaf },
    )
  }
  if (revoked?.has(leaf.serial)) {
    throw new Refused(
      'REVOKED',
      `found the certificate ${leaf.serial} of the authority, which is revoked; allowed: its newest`,
      seeWhatListens,
      { leaf },
    )
  }
  return { der: leaf.der, issuer: keyIdOf(path.chain[1]?.spki ?? leaf.spki), notAfter: path.notAfter }
}

export const seeWhatListens = 'see what listens there, and what authority.listen says; `mtls up` serves peers'

function checked<T>(check: () => T, leaf?: Certificate): T {
  try {
    return check()
  } catch (error) {
    if (!(error instanceof PkiError)) throw error
    throw new Refused(error.code, error.message, seeWhatListens, { cause: error, ...(leaf && { leaf }) })
  }
}
