import { hashLeaf } from '@datapunk/tlog'

/** An audit entry as it is stored and hashed. */
export interface AuditRecord {
  /** From 1, without gaps. */
  readonly number: number
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly actor: string
  readonly deed: string
  /** JSON, as it was written. */
  readonly entry: string
}

/** Names what is hashed and how it is laid out, so that no other text passes for it. */
const PREFIX = 'datapunk-mtls audit v1'

/**
 * An entry as a leaf of the audit's tree. Each part is a line: JSON of one line has no newline in it, so that different
 * entries are different texts.
 *
 *     datapunk-mtls audit v1
 *     42
 *     1800000000000
 *     "apply"
 *     "issued"
 *     {"serial":"01"}
 *
 * @returns SHA-256 as of RFC 6962 2.1
 */
export function auditLeaf({ number, at, actor, deed, entry }: AuditRecord): Uint8Array {
  return hashLeaf(`${PREFIX}\n${number}\n${at}\n${JSON.stringify(actor)}\n${JSON.stringify(deed)}\n${entry}`)
}
