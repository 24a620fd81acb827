import { generateKeyPair as generate, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { PkiError } from '../pki-error.ts'
import { algorithmIdentifier } from './algorithm-identifier.ts'

/** The kinds of key this project makes and accepts. */
export type KeyAlgorithm = 'rsa' | 'ecdsa-p256' | 'ecdsa-p384' | 'ed25519' | 'ml-dsa-65'

export interface KeyPair {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

/** Everything there is to know about one kind of key, in one place. */
export interface KeyAlgorithmEntry {
  /** `AlgorithmIdentifier` of the key in a SubjectPublicKeyInfo. */
  readonly keyIdentifier: Uint8Array
  /** `AlgorithmIdentifier` of the signatures it makes. */
  readonly signatureIdentifier: Uint8Array
  /** The hash it signs, as `crypto.sign` takes it; null where the algorithm hashes by itself. */
  readonly digest: 'sha256' | 'sha384' | null
  /** Whether one signature takes so long (over 0.2 ms) that it belongs on the thread pool. */
  readonly slowToSign: boolean
  generate(rsaBits: number): Promise<KeyPair>
}

const generatePair = promisify(generate)

export const keyAlgorithms: Readonly<Record<KeyAlgorithm, KeyAlgorithmEntry>> = {
  // RFC 8017 §8.2, RFC 4055 §5
  rsa: {
    keyIdentifier: algorithmIdentifier.rsaEncryption,
    signatureIdentifier: algorithmIdentifier.sha256WithRsa,
    digest: 'sha256',
    slowToSign: true,
    generate: (rsaBits) => generatePair('rsa', { modulusLength: rsaBits, publicExponent: 0x1_0001 }),
  },
  // RFC 5480, RFC 5758 §3.2
  'ecdsa-p256': {
    keyIdentifier: algorithmIdentifier.p256,
    signatureIdentifier: algorithmIdentifier.ecdsaWithSha256,
    digest: 'sha256',
    slowToSign: false,
    generate: () => generatePair('ec', { namedCurve: 'P-256' }),
  },
  'ecdsa-p384': {
    keyIdentifier: algorithmIdentifier.p384,
    signatureIdentifier: algorithmIdentifier.ecdsaWithSha384,
    digest: 'sha384',
    slowToSign: true,
    generate: () => generatePair('ec', { namedCurve: 'P-384' }),
  },
  // RFC 8410
  ed25519: {
    keyIdentifier: algorithmIdentifier.ed25519,
    signatureIdentifier: algorithmIdentifier.ed25519,
    digest: null,
    slowToSign: false,
    generate: () => generatePair('ed25519'),
  },
  // RFC 9881; never HashML-DSA (§8.3 there)
  'ml-dsa-65': {
    keyIdentifier: algorithmIdentifier.mlDsa65,
    signatureIdentifier: algorithmIdentifier.mlDsa65,
    digest: null,
    slowToSign: true,
    generate: () => generatePair('ml-dsa-65'),
  },
}

/**
 * Lengths of RSA moduli that are made and accepted: BR 6.1.5 from below, the cost of verifying from above.
 */
export const rsaBitsAllowed = { least: 2048, most: 4096 } as const

/**
 * A new key pair, made on the thread pool.
 *
 * @param options.rsaBits length of the modulus in bits, 2048 (the default) to 4096 and divisible by 8
 * @throws PkiError `KEY_WEAK` for another length
 */
export async function generateKeyPair(
  algorithm: KeyAlgorithm,
  { rsaBits = 2048 }: { rsaBits?: number } = {},
): Promise<KeyPair> {
  if (algorithm === 'rsa') checkRsaBits(rsaBits)
  return keyAlgorithms[algorithm].generate(rsaBits)
}

/** @throws PkiError `KEY_WEAK` unless the length is 2048 to 4096 and divisible by 8 (BR 6.1.5) */
export function checkRsaBits(bits: number): void {
  const { least, most } = rsaBitsAllowed
  if (bits >= least && bits <= most && bits % 8 === 0) return
  throw new PkiError(
    'KEY_WEAK',
    `an RSA key of ${bits} bits was found; ${least} to ${most} bits, divisible by 8, are allowed`,
    { found: bits, least, most },
  )
}
