import { type KeyObject, sign } from 'node:crypto'
import { type KeyAlgorithm, keyAlgorithms } from './key-algorithm.ts'
import { keyAlgorithmOf, spkiOf } from './public-key.ts'

/** Whatever holds a private key and signs with it: a key in memory here, a hardware module elsewhere. */
export interface Signer {
  readonly algorithm: KeyAlgorithm
  /** DER SubjectPublicKeyInfo of its public key. */
  readonly spki: Uint8Array
  /** @returns the signature of `message`, encoded as certificates carry it */
  sign(message: Uint8Array): Promise<Uint8Array>
}

/**
 * A signer whose key is in this process. Slow algorithms sign on the thread pool, fast ones at once, because
 * the way there and back would cost more than the signature.
 *
 * @throws PkiError `KEY_UNSUPPORTED`, `KEY_WEAK`
 */
export function localSigner(privateKey: KeyObject): Signer {
  const spki = spkiOf(privateKey)
  const { algorithm } = keyAlgorithmOf(spki)
  const { digest, slowToSign } = keyAlgorithms[algorithm]
  return {
    algorithm,
    spki,
    sign: slowToSign
      ? (message) => signOnThreadPool(digest, message, privateKey)
      : async (message) => sign(digest, message, privateKey),
  }
}

function signOnThreadPool(
  digest: string | null,
  message: Uint8Array,
  privateKey: KeyObject,
): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
  sign(digest, message, privateKey, (error, signature) => (error ? reject(error) : resolve(signature)))
  return promise
}
