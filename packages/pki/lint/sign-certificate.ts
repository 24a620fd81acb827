import { keyAlgorithms } from '../keys/key-algorithm.ts'
import { verifySignature } from '../keys/signature.ts'
import type { Signer } from '../keys/signer.ts'
import { equalOctets } from '../octets.ts'
import { PkiError } from '../pki-error.ts'
import { encodeSigned } from '../signed.ts'
import { LintToken } from './lint-token.ts'

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
  const { tbs, signatureAlgorithm } = certificate
  if (
    !equalOctets(signer.spki, issuerSpki) ||
    !equalOctets(keyAlgorithms[signer.algorithm].signatureIdentifier, signatureAlgorithm)
  ) {
    throw new PkiError(
      'SIGNER_MISMATCH',
      `the signer's key is not the key of the issuer, ${certificate.issuer}`,
    )
  }
  const signature = await signer.sign(tbs)
  if (!verifySignature({ spki: issuerSpki, message: tbs, signature, algorithm: signatureAlgorithm })) {
    throw new PkiError(
      'SIGNATURE_INVALID',
      'the signer returned a signature that its own key does not verify',
    )
  }
  return encodeSigned(tbs, signatureAlgorithm, signature)
}
