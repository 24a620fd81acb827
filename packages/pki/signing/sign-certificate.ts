import type { Signer } from '../keys/signer.ts'
import { LintToken } from '../lint/lint-token.ts'
import { encodeSigned, signAsIssuer } from '../signed.ts'

/**
 * Signs the certificate that a token stands for, exactly as it was linted, and checks the signature.
 *
 * @returns DER `Certificate`
 * @throws PkiError `TOKEN_REDEEMED` when the token was used before (whatever came of it), `SIGNER_MISMATCH`
 *   when the signer holds another key than the issuer's, `SIGNATURE_INVALID` when the signer returned a wrong
 *   signature
 */
export async function signCertificate(token: LintToken, signer: Signer): Promise<Uint8Array> {
  const { certificate, issuerSpki } = LintToken.redeem(token)
  const { tbs, signatureAlgorithm, issuer } = certificate
  const signature = await signAsIssuer({ tbs, signatureAlgorithm, issuer, issuerSpki }, signer)
  return encodeSigned(tbs, signatureAlgorithm, signature)
}
