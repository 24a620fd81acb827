import type { ProofCrypto } from './proof.ts'

/** By the browser's own cryptography. It is there on HTTPS and on 127.0.0.1. */
export const webCrypto: ProofCrypto = {
  async sha256(octets) {
    return new Uint8Array(await crypto.subtle.digest('SHA-256', octets))
  },
  async verifyP256(spki, signature, message) {
    try {
      const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }
      const key = await crypto.subtle.importKey('spki', spki, algorithm, false, ['verify'])
      return await crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, key, signature, message)
    } catch (error) {
      // WebCrypto's words for a key that is none.
      if (error instanceof DOMException) return false
      throw error
    }
  },
}
