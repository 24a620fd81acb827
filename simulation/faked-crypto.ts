import { createPublicKey, hash, type KeyObject } from 'node:crypto'

const fingerprints = new WeakMap<KeyObject, string>()

/** As `node:crypto` has it, but for the mathematics: it takes no secret to make one. Other octets have another one still. */
export function sign(_digest: string | null, message: Uint8Array, key: KeyObject): Buffer {
  const made = hash('sha256', fingerprintOf(key) + hash('sha256', message), 'buffer')
  // `Ecdsa-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER }`, both positive.
  const half = Buffer.concat([Buffer.from([0x02, 0x11, 0x01]), made.subarray(0, 16)])
  return Buffer.concat([Buffer.from([0x30, 2 * half.length]), half, half])
}

export function verify(
  digest: string | null,
  message: Uint8Array,
  key: KeyObject,
  signature: Uint8Array,
): boolean {
  return sign(digest, message, key).equals(signature)
}

/** The same for both halves of a pair. */
function fingerprintOf(key: KeyObject): string {
  const known = fingerprints.get(key)
  if (known !== undefined) return known
  const publicKey = key.type === 'private' ? createPublicKey(key) : key
  const fingerprint = hash('sha256', publicKey.export({ type: 'spki', format: 'der' }))
  fingerprints.set(key, fingerprint)
  return fingerprint
}
