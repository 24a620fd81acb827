import { createPublicKey, hash, type KeyObject } from 'node:crypto'
import { readDer } from '../der/reader.ts'
import { tag } from '../der/tag.ts'
import { encodeDer } from '../der/writer.ts'
import { equalOctets, latin1Text } from '../octets.ts'
import { PkiError } from '../pki-error.ts'
import { checkRsaBits, type KeyAlgorithm, type KeyAlgorithmEntry, keyAlgorithms } from './key-algorithm.ts'

/** What kind of key a SubjectPublicKeyInfo holds. */
export interface KeyKind {
  readonly algorithm: KeyAlgorithm
  /** Length of the modulus in bits; only for `rsa`. */
  readonly rsaBits?: number
}

/**
 * `SubjectPublicKeyInfo ::= SEQUENCE { algorithm AlgorithmIdentifier, subjectPublicKey BIT STRING }`, RFC
 * 5280 §4.1.
 */
interface SubjectPublicKeyInfo {
  readonly identifier: Uint8Array
  readonly key: Uint8Array
}

/**
 * The kind of the key in a SubjectPublicKeyInfo (DER).
 *
 * @throws PkiError `KEY_UNSUPPORTED` for anything outside the table of key algorithms, `KEY_WEAK` for RSA
 *   keys under 2048 or over 4096 bits and exponents that are even or under 65537, `DER_INVALID`
 */
export function keyAlgorithmOf(spki: Uint8Array): KeyKind {
  const { identifier, key } = readSpki(spki)
  const found = entries.find(([, entry]) => equalOctets(entry.keyIdentifier, identifier))
  if (found === undefined) {
    throw new PkiError(
      'KEY_UNSUPPORTED',
      `the key is of no kind used here; allowed are ${Object.keys(keyAlgorithms).join(', ')}, EC keys by named curve`,
      { allowed: Object.keys(keyAlgorithms) },
    )
  }
  const [algorithm] = found
  if (algorithm === 'rsa') return { algorithm, rsaBits: readRsaBits(key) }
  const { length, first } = keyShapes[algorithm]
  if (key.length !== length || (first !== undefined && key[0] !== first)) {
    throw new PkiError('KEY_UNSUPPORTED', `the ${algorithm} key is not the ${length} octets it should be`, {
      algorithm,
      found: key.length,
      allowed: length,
    })
  }
  return { algorithm }
}

/** The octets of the key itself, without its algorithm: what key identifiers are made of. */
export function subjectPublicKey(spki: Uint8Array): Uint8Array {
  return readSpki(spki).key
}

/**
 * DER SubjectPublicKeyInfo of a public key, or of the public half of a private one. A curve of ours is always named in it,
 * also where the key was read from a file that spells it out.
 */
export function spkiOf(key: KeyObject): Uint8Array {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key
  const { asymmetricKeyType: type = '', asymmetricKeyDetails: { namedCurve = type } = {} } = publicKey
  const algorithm = algorithmOfCurve[namedCurve]
  // OpenSSL takes ten times as long to write the DER of these as to name their numbers.
  const spki =
    algorithm === undefined
      ? new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }))
      : encodeSpki(keyAlgorithms[algorithm].keyIdentifier, pointOf(publicKey))
  keep(latin1Text(spki), publicKey)
  return spki
}

/**
 * The key object of a SubjectPublicKeyInfo. The last 256 are kept, because making one costs as much as a
 * signature and the keys that verify signatures are few.
 *
 * @throws PkiError `KEY_UNSUPPORTED` when the octets are no key, for example a point that is not on its curve
 */
export function publicKeyOf(spki: Uint8Array): KeyObject {
  const octets = latin1Text(spki)
  const known = keptKeys.get(octets)
  if (known !== undefined) return known
  let key: KeyObject
  try {
    key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
  } catch (cause) {
    throw new PkiError(
      'KEY_UNSUPPORTED',
      'the octets of the public key are no key of its kind',
      {},
      { cause },
    )
  }
  keep(octets, key)
  return key
}

/** SHA-256, 32 octets. By way of text, because a buffer from OpenSSL costs more than the hash itself. */
export function sha256(octets: Uint8Array): Uint8Array {
  return new Uint8Array(Buffer.from(hash('sha256', octets, 'hex'), 'hex'))
}

const entries = Object.entries(keyAlgorithms) as [KeyAlgorithm, KeyAlgorithmEntry][]

/** Octets of each kind of key. EC points are uncompressed, 04 ‖ x ‖ y (RFC 5480 §2.2). */
const keyShapes: Readonly<Record<Exclude<KeyAlgorithm, 'rsa'>, { length: number; first?: number }>> = {
  'ecdsa-p256': { length: 65, first: 0x04 },
  'ecdsa-p384': { length: 97, first: 0x04 },
  ed25519: { length: 32 },
  'ml-dsa-65': { length: 1952 },
}

/** As OpenSSL calls what they lie on. Other keys are left to it. */
const algorithmOfCurve: Readonly<Record<string, KeyAlgorithm>> = {
  prime256v1: 'ecdsa-p256',
  secp384r1: 'ecdsa-p384',
  ed25519: 'ed25519',
}

/** The octets of a point (RFC 5480 §2.2, RFC 8410 §4), from its numbers (RFC 7518 §6.2, RFC 8037 §2). */
function pointOf(key: KeyObject): Uint8Array {
  const { x = '', y } = key.export({ format: 'jwk' })
  const [first, second] = [Buffer.from(x, 'base64url'), y && Buffer.from(y, 'base64url')]
  return second ? Buffer.concat([uncompressed, first, second]) : first
}

const uncompressed = Uint8Array.of(0x04)

const keptKeys = new Map<string, KeyObject>()
const keptKeysLimit = 256

/** The oldest goes first: strangers' certificates can push keys out, which costs time and nothing else. */
function keep(octets: string, key: KeyObject): void {
  if (keptKeys.size >= keptKeysLimit) keptKeys.delete(keptKeys.keys().next().value as string)
  keptKeys.set(octets, key)
}

function encodeSpki(identifier: Uint8Array, key: Uint8Array): Uint8Array {
  return encodeDer((der) =>
    der.sequence(() => {
      der.raw(identifier)
      der.octetsInBitString(key)
    }),
  )
}

function readSpki(spki: Uint8Array): SubjectPublicKeyInfo {
  return readDer(spki, (der) =>
    der.sequence((info) => ({ identifier: info.encoded(tag.sequence), key: info.octetsInBitString() })),
  )
}

/** `RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER }`, RFC 8017 §A.1.1. */
function readRsaBits(key: Uint8Array): number {
  const { modulus, exponent } = readDer(key, (der) =>
    der.sequence((rsa) => ({ modulus: rsa.integer(), exponent: rsa.integer() })),
  )
  // Positive integers with the top bit set carry one octet of zero, which minimal encoding allows only there.
  const magnitude = modulus[0] === 0 ? modulus.subarray(1) : modulus
  const bits = magnitude.length * 8 - Math.clz32(magnitude[0] ?? 0) + 24
  checkRsaBits((modulus[0] as number) >= 0x80 ? 0 : bits)
  checkRsaExponent(exponent)
  return bits
}

/** BR 6.1.6: odd, from 2^16+1 to 2^256-1 (the upper end bounds the cost of verifying). */
function checkRsaExponent(exponent: Uint8Array): void {
  const magnitude = exponent[0] === 0 ? exponent.subarray(1) : exponent
  const odd = ((exponent.at(-1) as number) & 1) === 1
  const longEnough = magnitude.length > 3 || (magnitude.length === 3 && (magnitude[2] as number) >= 1)
  if (odd && longEnough && magnitude.length <= 32 && (exponent[0] as number) < 0x80) return
  throw new PkiError(
    'KEY_WEAK',
    'the RSA exponent is even, under 65537 or over 2^256; make the key with 65537',
    {},
  )
}
