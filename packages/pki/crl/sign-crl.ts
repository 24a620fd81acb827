import { encodeDer } from '../der/writer.ts'
import type { Signer } from '../keys/signer.ts'
import { signAsIssuer } from '../signed.ts'
import { LintedCrl } from './lint-crl.ts'
import { type CrlRequest, encodeTbsCrl } from './tbs-crl.ts'

/**
 * Makes a certificate revocation list, full or delta: lints it, signs exactly what was linted, and checks the signature.
 * The same request, signed again, has the same number and may have other octets; whoever has seen the first refuses the
 * second. So a list that was signed is kept.
 *
 * @returns DER `CertificateList` (RFC 5280 §5.1)
 * @throws PkiError `PROFILE_INVALID`, `NAME_INVALID`, `KEY_UNSUPPORTED` for what can't be written; `LINT_FAILED`, and what
 *   `parseCrl` throws for entries that can't be read; `SIGNER_MISMATCH`, `SIGNATURE_INVALID`
 */
export async function signCrl(request: CrlRequest, signer: Signer): Promise<Uint8Array> {
  const tbs = encodeTbsCrl(request)
  const { crl, issuerSpki } = LintedCrl.lint(tbs.der, request.issuer, request.entries)
  const signature = await signAsIssuer({ ...crl, issuerSpki }, signer)
  return tbs.enclosedWith([crl.signatureAlgorithm, encodeDer((der) => der.octetsInBitString(signature))])
}
