import { encodeExtension } from '../extensions/extensions.ts'
import { writePrecertificatePoison } from '../extensions/precertificate-poison.ts'
import type { Signer } from '../keys/signer.ts'
import { LintToken } from '../lint/lint-token.ts'
import { oids } from '../oids.ts'
import { encodeSigned, signAsIssuer } from '../signed.ts'
import { withExtension } from '../transparency/tbs-extensions.ts'
import { makePrecertificate, type Precertificate } from './precertificate.ts'

/**
 * Signs what a token stands for with the poison as its last extension (RFC 6962 §3.1), and checks the signature. The token
 * is spent: what it stands for is signed without the poison by `signLogged` alone.
 *
 * @throws PkiError `TOKEN_REDEEMED` when the token was used before (whatever came of it), `SIGNER_MISMATCH` when the
 *   signer holds another key than the issuer's, `SIGNATURE_INVALID` when the signer returned a wrong signature
 */
export async function signPrecertificate(token: LintToken, signer: Signer): Promise<Precertificate> {
  const linted = LintToken.redeem(token)
  const { signatureAlgorithm, issuer } = linted.certificate
  const tbs = withExtension(linted.certificate.tbs, poison)
  const toBeSigned = { tbs, signatureAlgorithm, issuer, issuerSpki: linted.issuerSpki }
  // A log in this process checks it next.
  const signature = await signAsIssuer(toBeSigned, signer, { remember: true })
  return makePrecertificate({ der: encodeSigned(tbs, signatureAlgorithm, signature), linted })
}

const poison = encodeExtension(oids.poison, true, writePrecertificatePoison)
