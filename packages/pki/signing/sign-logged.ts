import { encodeExtension } from '../extensions/extensions.ts'
import { writeSctList } from '../extensions/sct-list.ts'
import type { Signer } from '../keys/signer.ts'
import { equalLongOctets, equalOctets } from '../octets.ts'
import { oids } from '../oids.ts'
import { PkiError } from '../pki-error.ts'
import { encodeSigned, signAsIssuer, signedPart } from '../signed.ts'
import { encodeSct, type Sct } from '../transparency/sct.ts'
import { encodeSctList } from '../transparency/sct-list.ts'
import { withExtension, withoutPoison, withoutSctList } from '../transparency/tbs-extensions.ts'
import { Precertificate } from './precertificate.ts'

/**
 * Signs the one final certificate of a precertificate: the same with the SCTs in the place of the poison. The signature is
 * checked, and the finished octets are held against the precertificate and against what was linted. Whether the SCTs are
 * good is for `verifyScts` to say.
 *
 * @param scts 1 to 16
 * @returns DER `Certificate`
 * @throws PkiError `TOKEN_REDEEMED` when the precertificate was used before (whatever came of it), `SIGNER_MISMATCH`,
 *   `SIGNATURE_INVALID`, `FINAL_DIFFERS`
 * @throws RangeError for no SCT, or more than 16
 */
export async function signLogged(
  precertificate: Precertificate,
  scts: readonly Sct[],
  signer: Signer,
): Promise<Uint8Array> {
  const { der: precertificateDer, linted } = Precertificate.redeem(precertificate)
  const { certificate, issuerSpki } = linted
  const { signatureAlgorithm, issuer } = certificate
  const list = encodeSctList(scts.map(encodeSct))
  const tbs = withExtension(
    certificate.tbs,
    encodeExtension(oids.scts, false, (der) => writeSctList(der, list)),
  )
  const signature = await signAsIssuer({ tbs, signatureAlgorithm, issuer, issuerSpki }, signer)
  const der = encodeSigned(tbs, signatureAlgorithm, signature)
  checkFinal(der, precertificateDer, certificate.tbs)
  return der
}

/**
 * The final certificate without SCTs, the precertificate without poison, and what was linted: octet for octet the same.
 * Both certificates are read as their receivers will.
 *
 * @throws PkiError `FINAL_DIFFERS`
 */
export function checkFinal(final: Uint8Array, precertificate: Uint8Array, linted: Uint8Array): void {
  const [ofFinal, ofPrecertificate] = [signedPart(final), signedPart(precertificate)]
  if (
    equalOctets(ofFinal.algorithm, ofPrecertificate.algorithm) &&
    equalLongOctets(withoutSctList(ofFinal.toBeSigned), linted) &&
    equalLongOctets(withoutPoison(ofPrecertificate.toBeSigned), linted)
  ) {
    return
  }
  throw new PkiError(
    'FINAL_DIFFERS',
    'the final certificate is not the precertificate with SCTs in the place of the poison, so it was not given out; ' +
      'its serial is logged: revoke it',
  )
}
