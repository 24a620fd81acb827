import { leafIndexOf } from './ct-extensions.ts'
import { readTls, type TlsReader } from './tls-reader.ts'
import { encodeTls } from './tls-writer.ts'
import { transparencyBudget } from './transparency-budget.ts'

/** Octets of a log's id, which is a SHA-256. */
export const logIdOctets = 32

/** A signed certificate timestamp: a log's promise that it holds a certificate. */
export interface Sct {
  /** SHA-256 of the log's SubjectPublicKeyInfo, 32 octets. */
  readonly logId: Uint8Array
  /** Milliseconds since the epoch. */
  readonly timestamp: number
  /** `CtExtensions` without their length, as they were signed. */
  readonly extensions: Uint8Array
  /** Where in the log the entry lies, as `extensions` say it; undefined where they don't. */
  readonly leafIndex: number | undefined
  /** Always with SHA-256 (RFC 6962 §2.1.4). */
  readonly algorithm: SctAlgorithm
  /** ECDSA in DER, RSA in PKCS #1 v1.5. */
  readonly signature: Uint8Array
}

/** `SignatureAlgorithm` of TLS 1.2 (RFC 5246 §7.4.1.4.1). */
const signatureAlgorithms = { rsa: 1, ecdsa: 3 } as const
const sha256 = 4

export type SctAlgorithm = keyof typeof signatureAlgorithms

/** The octets of one `SignedCertificateTimestamp`, RFC 6962 §3.2. */
export function encodeSct({ logId, timestamp, extensions, algorithm, signature }: Sct): Uint8Array {
  return encodeTls((tls) => {
    tls.number(0, 1)
    tls.octets(logId)
    tls.number(timestamp, 8)
    tls.vector(2, extensions)
    tls.number(sha256, 1)
    tls.number(signatureAlgorithms[algorithm], 1)
    tls.vector(2, signature)
  })
}

/**
 * ```
 * struct {
 *   Version sct_version; LogID id; uint64 timestamp; CtExtensions extensions<0..2^16-1>;
 *   digitally-signed struct { … };
 * } SignedCertificateTimestamp;
 * ```
 * RFC 6962 §3.2; `digitally-signed` is hash, algorithm and `opaque signature<0..2^16-1>` (RFC 5246 §4.7). The result
 * points into `octets`.
 *
 * @throws PkiError `TRANSPARENCY_MALFORMED`, also for versions after v1 and for algorithms that RFC 6962 §2.1.4 has not
 */
export function parseSct(octets: Uint8Array): Sct {
  return readTls(octets, 'SCT', (tls) => {
    const version = tls.number(1)
    if (version !== 0) tls.fail(`version number ${version} is not 0 (v1)`)
    const logId = tls.octets(logIdOctets)
    const timestamp = tls.number(8)
    const extensions = tls.vector(2)
    const algorithm = readAlgorithm(tls)
    const signature = tls.vector(2, { least: 1, most: transparencyBudget.signatureBytes })
    return { logId, timestamp, extensions, leafIndex: leafIndexOf(extensions), algorithm, signature }
  })
}

function readAlgorithm(tls: TlsReader): SctAlgorithm {
  const hash = tls.number(1)
  const signature = tls.number(1)
  if (hash === sha256 && signature === signatureAlgorithms.ecdsa) return 'ecdsa'
  if (hash === sha256 && signature === signatureAlgorithms.rsa) return 'rsa'
  return tls.fail(
    `the signature is of algorithm ${hash}, ${signature}; allowed are ECDSA and RSA with SHA-256`,
  )
}
