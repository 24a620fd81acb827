import { checkProofOfPossession, decodePem, keyAlgorithmOf, parseCsr } from '@datapunk/pki'
import { keyIdOf } from '@datapunk/protocol'
import type { Engine } from '../engine/engine.ts'
import { AuthorityError } from '../error.ts'

/** A CSR with the largest key and a page of attributes stays far below this. */
const MAX_CSR_BYTES = 64 * 1024

/** The key of a CSR, which whoever made that has the private half of. */
export interface ProvenKey {
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array
  readonly key: ReturnType<typeof keyAlgorithmOf>
}

/**
 * Of a CSR only the public key counts, once it has shown that it has the private one.
 *
 * @param csr PKCS#10, PEM or DER
 * @throws PkiError when it can't be read, or its key is not the one that signed it; AuthorityError `CSR_INVALID`, also of a key
 *   that others have too
 */
export function provenKeyOf({ store }: Pick<Engine, 'store'>, csr: Uint8Array): ProvenKey {
  const parsed = parseCsr(derOf(csr))
  const { spki } = parsed
  checkProofOfPossession(parsed)
  if (store.isKeyCompromised(keyIdOf(spki))) {
    throw new AuthorityError(
      'CSR_INVALID',
      'found a key that is on record as one that others have too, or may have; allowed: a new key, and a CSR for that',
    )
  }
  return { spki, key: keyAlgorithmOf(spki) }
}

function derOf(csr: Uint8Array): Uint8Array {
  if (csr.byteLength > MAX_CSR_BYTES) {
    throw new AuthorityError(
      'CSR_INVALID',
      `found a CSR of ${csr.byteLength} bytes; allowed: ${MAX_CSR_BYTES}`,
    )
  }
  // DER of a request is a SEQUENCE.
  if (csr[0] === 0x30) return csr
  // RFC 7468 7: keytool, certtool and NSS write the other one.
  const isNew = Buffer.from(csr).includes('-----BEGIN NEW CERTIFICATE REQUEST-----')
  const [der, ...more] = decodePem(csr, isNew ? 'NEW CERTIFICATE REQUEST' : 'CERTIFICATE REQUEST')
  if (more.length === 0) return der!
  throw new AuthorityError('CSR_INVALID', `found ${1 + more.length} requests in the file; allowed: one`)
}
