import { createPrivateKey, type KeyObject } from 'node:crypto'
import { keyInvalid, wrongPassphrase } from './key-failure.ts'
import type { Passphrase } from './passphrase.ts'
import { describe, type KeySlot, type StoredKey } from './stored-key.ts'

/** PKCS#8 (RFC 7468 section 11), and the header of RFC 1421 that older keys bear. */
const encryptedForms = ['-----BEGIN ENCRYPTED PRIVATE KEY-----', 'Proc-Type: 4,ENCRYPTED']

export function isEncrypted(pem: Uint8Array): boolean {
  return encryptedForms.some((form) => bufferOver(pem).includes(form))
}

/** The same octets: a copy of what is secret would outlive it. */
export function bufferOver({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}

/** OpenSSL's messages name neither passphrase nor key bytes; they are kept as the cause. */
export function parseKey(slot: KeySlot, pem: Uint8Array, passphrase?: Passphrase): KeyObject {
  try {
    const secret = passphrase && { passphrase: bufferOver(passphrase.bytes()) }
    return createPrivateKey({ key: bufferOver(pem), format: 'pem', ...secret })
  } catch (cause) {
    const code = (cause as { code?: string }).code ?? ''
    if (passphrase !== undefined && /BAD_DECRYPT|CIPHER/i.test(code))
      throw wrongPassphrase(slot, passphrase, cause)
    throw keyInvalid(slot, 'can not be read: it must be PKCS#8, EC or RSA, in PEM', cause)
  }
}

/** @throws AuthorityError `KEY_INVALID` where it is of a kind that is not used here, or weak */
export function supported(slot: KeySlot, key: KeyObject): StoredKey {
  try {
    return describe(key)
  } catch (cause) {
    throw keyInvalid(
      slot,
      `can not be used: ${cause instanceof Error ? cause.message : String(cause)}`,
      cause,
    )
  }
}
