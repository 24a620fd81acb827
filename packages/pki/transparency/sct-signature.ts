import { algorithmIdentifier } from '../keys/algorithm-identifier.ts'
import { verifySignature } from '../keys/signature.ts'
import type { Signer } from '../keys/signer.ts'
import { leafIndexExtension } from './ct-extensions.ts'
import type { LogEntry } from './log-entry.ts'
import { logIdOf } from './log-id.ts'
import type { Sct, SctAlgorithm } from './sct.ts'
import { sctSignatureInput, type TimestampedEntry } from './timestamped-entry.ts'

/**
 * A log's promise that it holds this entry, at this place.
 *
 * @param signer the log's key, ECDSA P-256 (RFC 6962 §2.1.4)
 * @throws TypeError for a key of another kind
 */
export async function signSct(
  { timestamp, entry, leafIndex }: TimestampedEntry,
  signer: Signer,
): Promise<Sct> {
  if (signer.algorithm !== 'ecdsa-p256') {
    throw new TypeError(`the key of a log is ecdsa-p256 (RFC 6962 §2.1.4), not ${signer.algorithm}`)
  }
  const extensions = leafIndexExtension(leafIndex)
  const signature = await signer.sign(sctSignatureInput({ timestamp, entry, extensions }))
  const logId = logIdOf(signer.spki)
  return { logId, timestamp, extensions, leafIndex, algorithm: 'ecdsa', signature }
}

const identifiers: Readonly<Record<SctAlgorithm, Uint8Array>> = {
  ecdsa: algorithmIdentifier.ecdsaWithSha256,
  rsa: algorithmIdentifier.sha256WithRsa,
}

/**
 * Whether the log with this key has signed this SCT for this entry. One signature is verified.
 *
 * @param spki DER SubjectPublicKeyInfo of the log
 * @throws PkiError `SIGNATURE_ALGORITHM_UNSUPPORTED` when the SCT is not of the algorithm of the key, and what
 *   `keyAlgorithmOf` throws
 */
export function isSignedSct(sct: Sct, entry: LogEntry, spki: Uint8Array): boolean {
  const { timestamp, extensions, signature, algorithm } = sct
  const message = sctSignatureInput({ timestamp, entry, extensions })
  return verifySignature({ spki, message, signature, algorithm: identifiers[algorithm] })
}
