import { sha256 } from '../keys/public-key.ts'

/**
 * The name of a log: SHA-256 of its key, RFC 6962 §3.2.
 *
 * @param spki DER SubjectPublicKeyInfo
 * @returns 32 octets
 */
export function logIdOf(spki: Uint8Array): Uint8Array {
  return sha256(spki)
}
