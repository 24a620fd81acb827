import type { DerReader } from '../der/reader.ts'
import type { DerWriter } from '../der/writer.ts'

export interface SctList {
  /** A `SignedCertificateTimestampList` in the encoding of TLS, for `parseSctList`. */
  readonly list: Uint8Array
}

/**
 * `SignedCertificateTimestampList ::= OCTET STRING`, RFC 6962 §3.3. What is inside is no DER, and is read by who wants to
 * verify it: most readers of a certificate don't.
 */
export function readSctList(der: DerReader): SctList {
  return { list: der.octetString() }
}

export function writeSctList(der: DerWriter, list: Uint8Array): void {
  der.octetString(list)
}
