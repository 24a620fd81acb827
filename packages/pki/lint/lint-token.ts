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

/**
 * Known to this file only, so that no other code can construct a token, not even through `token.constructor`.
 */
const maker = Symbol('lint')

/**
 * The proof that one to-be-signed certificate passed every rule of its profile. Only `lint` can make one, and it is
 * redeemed once: by `signCertificate`, or by `signPrecertificate` for what is logged.
 */
export class LintToken {
  #linted: LintedTbs | undefined

  constructor(by: symbol, linted: LintedTbs) {
    if (by !== maker) throw new TypeError('only lint makes lint tokens')
    this.#linted = linted
  }

  /**
   * For `signCertificate` and `signPrecertificate` only: what the token stands for, the first time it is asked.
   *
   * @throws PkiError `TOKEN_REDEEMED` the second time
   */
  static redeem(token: LintToken): LintedTbs {
    const linted = token.#linted
    token.#linted = undefined
    if (linted !== undefined) return linted
    throw new PkiError(
      'TOKEN_REDEEMED',
      'this lint token was redeemed before; lint the certificate again to sign it',
    )
  }
}

/** For `lint` only: the package's index does not export it. */
export function issueToken(linted: LintedTbs): LintToken {
  return new LintToken(maker, linted)
}
