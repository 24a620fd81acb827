import { verify } from 'node:crypto'
import { equalLongOctets, equalOctets, hexText, latin1Text } from '../octets.ts'
import { PkiError } from '../pki-error.ts'
import { algorithmIdentifier } from './algorithm-identifier.ts'
import { type KeyAlgorithm, keyAlgorithms } from './key-algorithm.ts'
import { keyAlgorithmOf, publicKeyOf } from './public-key.ts'

/** A signature algorithm that is accepted, and the keys it may be used with. */
interface SignatureAlgorithm {
  readonly identifier: Uint8Array
  readonly digest: 'sha256' | 'sha384' | 'sha512' | null
  readonly keys: readonly KeyAlgorithm[]
}

/**
 * Nothing weaker is here: MD5, SHA-1, SHA-224, DSA and RSASSA-PSS with parameters of all kinds match no row.
 */
const signatureAlgorithms: readonly SignatureAlgorithm[] = [
  { identifier: algorithmIdentifier.sha256WithRsa, digest: 'sha256', keys: ['rsa'] },
  { identifier: algorithmIdentifier.sha384WithRsa, digest: 'sha384', keys: ['rsa'] },
  { identifier: algorithmIdentifier.sha512WithRsa, digest: 'sha512', keys: ['rsa'] },
  { identifier: algorithmIdentifier.ecdsaWithSha256, digest: 'sha256', keys: ['ecdsa-p256', 'ecdsa-p384'] },
  { identifier: algorithmIdentifier.ecdsaWithSha384, digest: 'sha384', keys: ['ecdsa-p256', 'ecdsa-p384'] },
  { identifier: algorithmIdentifier.ecdsaWithSha512, digest: 'sha512', keys: ['ecdsa-p256', 'ecdsa-p384'] },
  { identifier: algorithmIdentifier.ed25519, digest: null, keys: ['ed25519'] },
  { identifier: algorithmIdentifier.mlDsa65, digest: null, keys: ['ml-dsa-65'] },
]

/** A signature and all that it takes to check it. */
export interface SignedMessage {
  /** DER SubjectPublicKeyInfo of the key that is said to have signed. */
  readonly spki: Uint8Array
  readonly message: Uint8Array
  readonly signature: Uint8Array
  /**
   * DER `AlgorithmIdentifier`, where the message names one; otherwise what a signer of ours uses with this
   * key.
   */
  readonly algorithm?: Uint8Array
}

/**
 * Whether the signature is of this message, by this key.
 *
 * @param options.remember should it be valid: it will soon be checked once more in this process
 * @throws PkiError `SIGNATURE_ALGORITHM_UNSUPPORTED` when the algorithm is not in the table or not for this
 *   kind of key, and what `keyAlgorithmOf` throws
 */
export function verifySignature(
  { spki, message, signature, algorithm }: SignedMessage,
  { remember = false }: { readonly remember?: boolean } = {},
): boolean {
  const key = keyAlgorithmOf(spki).algorithm
  const { digest } = findSignatureAlgorithm(algorithm ?? keyAlgorithms[key].signatureIdentifier, key)
  const octets = latin1Text(signature)
  if (isRemembered(octets, { spki, message, digest })) return true
  const isValid = verify(digest, message, publicKeyOf(spki), signature)
  if (isValid && remember) keepValid(octets, { spki, message, digest })
  return isValid
}

/** All that a signature was checked with. */
interface CheckedWith {
  readonly spki: Uint8Array
  readonly message: Uint8Array
  readonly digest: SignatureAlgorithm['digest']
}

/** Signatures that were found valid, by their octets: the newest, and those before them, of each at most so many. */
let valid = { newest: new Map<string, CheckedWith>(), before: new Map<string, CheckedWith>() }
const validLimit = 256

function isRemembered(signature: string, { spki, message, digest }: CheckedWith): boolean {
  const known = valid.newest.get(signature) ?? valid.before.get(signature)
  return (
    known !== undefined &&
    known.digest === digest &&
    equalLongOctets(known.spki, spki) &&
    equalLongOctets(known.message, message)
  )
}

function keepValid(signature: string, { spki, message, digest }: CheckedWith): void {
  if (valid.newest.size >= validLimit) valid = { newest: new Map(), before: valid.newest }
  // Copies, because whoever holds them may change them later.
  valid.newest.set(signature, { spki: spki.slice(), message: message.slice(), digest })
}

/** Whether an `AlgorithmIdentifier` is one that `verifySignature` would accept with some key. */
export function isSignatureAlgorithm(identifier: Uint8Array): boolean {
  return signatureAlgorithms.some((row) => equalOctets(row.identifier, identifier))
}

function findSignatureAlgorithm(identifier: Uint8Array, key: KeyAlgorithm): SignatureAlgorithm {
  const row = signatureAlgorithms.find((each) => equalOctets(each.identifier, identifier))
  if (row?.keys.includes(key)) return row
  throw new PkiError(
    'SIGNATURE_ALGORITHM_UNSUPPORTED',
    `the signature algorithm is ${row ? 'not one' : 'weak or unknown, and none'} for a key of kind ${key}; ` +
      'allowed are RSA and ECDSA with SHA-256, SHA-384 or SHA-512, Ed25519, ML-DSA-65',
    { identifier: hexText(identifier), key },
  )
}
