import type { TbsCertificate } from '../certificate.ts'
import { PkiError } from '../pki-error.ts'
import type { Profile } from '../profiles/profile.ts'

/** What a token stands for. */
export interface LintedTbs {
  readonly certificate: TbsCertificate
  readonly profile: Profile
  /** DER SubjectPublicKeyInfo of the key that must sign. */
  readonly issuerSpki: Uint8Array
}

// Set by the class itself, so that no other code can construct a token or look into one.
let makeToken: (linted: LintedTbs) => LintToken
let redeemToken: (token: LintToken) => LintedTbs | undefined

/**
 * The proof that one to-be-signed certificate passed every rule of its profile. Only `lint` can make one, and
 * `signCertificate` redeems it once.
 */
export class LintToken {
  #linted: LintedTbs | undefined

  private constructor(linted: LintedTbs) {
    this.#linted = linted
  }

  static {
    makeToken = (linted) => new LintToken(linted)
    redeemToken = (token) => {
      const linted = token.#linted
      token.#linted = undefined
      return linted
    }
  }
}

/** For `lint` only: the package's index does not export it. */
export function issueToken(linted: LintedTbs): LintToken {
  return makeToken(linted)
}

/**
 * For `signCertificate` only.
 *
 * @throws PkiError `TOKEN_REDEEMED` the second time
 */
export function spendToken(token: LintToken): LintedTbs {
  const linted = redeemToken(token)
  if (linted !== undefined) return linted
  throw new PkiError(
    'TOKEN_REDEEMED',
    'this lint token was redeemed before; lint the certificate again to sign it',
  )
}
