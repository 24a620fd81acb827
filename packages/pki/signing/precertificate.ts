import type { LintedTbs } from '../lint/lint-token.ts'
import { PkiError } from '../pki-error.ts'

/** What a precertificate stands for. */
export interface SignedOnce {
  /** DER of the precertificate. */
  readonly der: Uint8Array
  readonly linted: LintedTbs
}

/** Known to this file only, so that no other code can construct a precertificate. */
const maker = Symbol('signPrecertificate')

/**
 * A certificate with the poison instead of SCTs, signed: for logs, and for nobody else (RFC 6962 §3.1). It is the proof
 * that its to-be-signed certificate was linted and signed once; `signLogged` redeems it for the one final certificate that
 * equals it.
 */
export class Precertificate {
  /** DER `Certificate`, with the poison. */
  readonly der: Uint8Array
  /** DER `TBSCertificate` that was linted, without the poison. */
  readonly tbs: Uint8Array
  /** DER SubjectPublicKeyInfo of the issuer. */
  readonly issuerSpki: Uint8Array
  #signed: SignedOnce | undefined

  constructor(by: symbol, signed: SignedOnce) {
    if (by !== maker) throw new TypeError('only signPrecertificate makes precertificates')
    const { der, linted } = signed
    // Copies: what will be signed must be out of everybody's reach.
    this.der = new Uint8Array(der)
    this.tbs = new Uint8Array(linted.certificate.tbs)
    this.issuerSpki = linted.issuerSpki
    this.#signed = signed
  }

  /**
   * For `signLogged` only: what was linted and signed, the first time it is asked.
   *
   * @throws PkiError `TOKEN_REDEEMED` the second time
   */
  static redeem(precertificate: Precertificate): SignedOnce {
    const signed = precertificate.#signed
    precertificate.#signed = undefined
    if (signed !== undefined) return signed
    throw new PkiError(
      'TOKEN_REDEEMED',
      'a final certificate was signed for this precertificate before; lint the certificate again, under another serial',
    )
  }
}

/** For `signPrecertificate` only: the package's index does not export it. */
export function makePrecertificate(signed: SignedOnce): Precertificate {
  return new Precertificate(maker, signed)
}
