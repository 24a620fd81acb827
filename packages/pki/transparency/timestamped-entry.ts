import { leafIndexExtension, leafIndexOf } from './ct-extensions.ts'
import { type LogEntry, readLogEntry, writeLogEntry } from './log-entry.ts'
import type { TlsReader } from './tls-reader.ts'
import { encodeTls, type TlsWriter } from './tls-writer.ts'

/** An entry in its place in a static log. */
export interface TimestampedEntry {
  /** Milliseconds since the epoch, as the SCT says it. */
  readonly timestamp: number
  readonly entry: LogEntry
  /** 0-based, under 2^40. */
  readonly leafIndex: number
}

/**
 * ```
 * struct {
 *   Version version; MerkleLeafType leaf_type;
 *   select (leaf_type) { case timestamped_entry: TimestampedEntry; }
 * } MerkleTreeLeaf;
 * ```
 * RFC 6962 §3.4: what the log hashes into its tree.
 */
export function merkleTreeLeaf({ timestamp, entry, leafIndex }: TimestampedEntry): Uint8Array {
  return sctSignatureInput({ timestamp, entry, extensions: leafIndexExtension(leafIndex) })
}

/**
 * ```
 * digitally-signed struct {
 *   Version sct_version; SignatureType signature_type = certificate_timestamp;
 *   uint64 timestamp; LogEntryType entry_type; select(entry_type) { … } signed_entry; CtExtensions extensions;
 * };
 * ```
 * RFC 6962 §3.2: what the log signs. Version v1, `certificate_timestamp` and `timestamped_entry` are all 0, so these are the
 * octets of the leaf in the tree too.
 *
 * @param signed.extensions as the SCT carries them
 */
export function sctSignatureInput(signed: {
  readonly timestamp: number
  readonly entry: LogEntry
  readonly extensions: Uint8Array
}): Uint8Array {
  const { timestamp, entry, extensions } = signed
  return encodeTls((tls) => {
    tls.number(0, 1)
    tls.number(0, 1)
    writeTimestamped(tls, timestamp, entry, extensions)
  })
}

/** `struct { uint64 timestamp; entry_type; signed_entry; CtExtensions extensions<0..2^16-1>; } TimestampedEntry`. */
export function writeTimestampedEntry(
  tls: TlsWriter,
  { timestamp, entry, leafIndex }: TimestampedEntry,
): void {
  writeTimestamped(tls, timestamp, entry, leafIndexExtension(leafIndex))
}

/** Of a static log's data tile: its extensions are the index of the leaf and nothing else. */
export function readTimestampedEntry(tls: TlsReader): TimestampedEntry {
  const timestamp = tls.number(8)
  const entry = readLogEntry(tls)
  const extensions = tls.vector(2)
  const leafIndex = leafIndexOf(extensions)
  if (leafIndex === undefined || extensions.length !== leafIndexExtension(leafIndex).length) {
    tls.fail('the extensions of an entry are not the index of its leaf alone')
  }
  return { timestamp, entry, leafIndex }
}

function writeTimestamped(tls: TlsWriter, timestamp: number, entry: LogEntry, extensions: Uint8Array): void {
  tls.number(timestamp, 8)
  writeLogEntry(tls, entry)
  tls.vector(2, extensions)
}
