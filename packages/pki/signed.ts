import { readDer } from './der/reader.ts'
import { tag } from './der/tag.ts'
import { encodeDer } from './der/writer.ts'
import { keyAlgorithms } from './keys/key-algorithm.ts'
import { verifySignature } from './keys/signature.ts'
import type { Signer } from './keys/signer.ts'
import type { Name } from './name.ts'
import { equalOctets } from './octets.ts'
import { PkiError } from './pki-error.ts'

/** What an issuer signs: a certificate or a list of revoked ones. */
export interface ToBeSigned {
  readonly tbs: Uint8Array
  /** DER `AlgorithmIdentifier`, as `tbs` names it. */
  readonly signatureAlgorithm: Uint8Array
  readonly issuer: Name
  /** DER SubjectPublicKeyInfo of the key that must sign. */
  readonly issuerSpki: Uint8Array
}

/**
 * The issuer's signature, checked.
 *
 * @throws PkiError `SIGNER_MISMATCH` when the signer holds another key than the issuer's, `SIGNATURE_INVALID` when the
 *   signer returned a wrong signature
 * @param options.remember as `verifySignature` takes it
 */
export async function signAsIssuer(
  { tbs, signatureAlgorithm, issuer, issuerSpki }: ToBeSigned,
  signer: Signer,
  options: { readonly remember?: boolean } = {},
): Promise<Uint8Array> {
  if (
    !equalOctets(signer.spki, issuerSpki) ||
    !equalOctets(keyAlgorithms[signer.algorithm].signatureIdentifier, signatureAlgorithm)
  ) {
    throw new PkiError('SIGNER_MISMATCH', `the signer's key is not the key of the issuer, ${issuer}`)
  }
  const signature = await signer.sign(tbs)
  const signed = { spki: issuerSpki, message: tbs, signature, algorithm: signatureAlgorithm }
  if (!verifySignature(signed, options)) {
    throw new PkiError(
      'SIGNATURE_INVALID',
      'the signer returned a signature that its own key does not verify',
    )
  }
  return signature
}

/**
 * `SIGNED ::= SEQUENCE { toBeSigned, algorithm AlgorithmIdentifier, signature BIT STRING }`: what certificates (RFC
 * 5280 §4.1) and certification requests (RFC 2986 §4.2) have in common.
 *
 * @param toBeSigned the DER that was signed
 * @param algorithm DER `AlgorithmIdentifier`
 */
export function encodeSigned(
  toBeSigned: Uint8Array,
  algorithm: Uint8Array,
  signature: Uint8Array,
): Uint8Array {
  return encodeDer((der) =>
    der.sequence(() => {
      der.raw(toBeSigned)
      der.raw(algorithm)
      der.octetsInBitString(signature)
    }),
  )
}

/**
 * What was signed, cut out of a `SIGNED` as it stands there, and the algorithm named outside of it.
 *
 * @throws PkiError `DER_INVALID`, `DER_BUDGET_EXCEEDED`
 */
export function signedPart(der: Uint8Array): { toBeSigned: Uint8Array; algorithm: Uint8Array } {
  return readDer(der, (reader) =>
    reader.sequence((signed) => {
      const parts = { toBeSigned: signed.encoded(tag.sequence), algorithm: signed.encoded(tag.sequence) }
      signed.octetsInBitString()
      return parts
    }),
  )
}
