import { encodeDer } from './der/writer.ts'

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
