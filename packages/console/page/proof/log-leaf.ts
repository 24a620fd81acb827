import { OctetReader } from './octet-reader.ts'
import { hexText } from './octets.ts'

/** What a leaf of a log says. */
export interface LogLeaf {
  /** Milliseconds since the epoch. */
  readonly loggedAt: number
  /** `precertificate`: what it has in common with the certificate it is for. */
  readonly kind: 'certificate' | 'precertificate'
  /** Lowercase hex. */
  readonly serial: string
  /** In the log, from 0. */
  readonly index: number
}

const SEQUENCE = 0x30
const INTEGER = 0x02
/** `version [0] EXPLICIT`. */
const VERSION = 0xa0
/** Of an issuer's key. */
const HASH_OCTETS = 32
const LEAF_INDEX = 0

/**
 * ```
 * struct {
 *   Version version; MerkleLeafType leaf_type;
 *   uint64 timestamp; LogEntryType entry_type;
 *   select (entry_type) { case x509_entry: ASN.1Cert; case precert_entry: PreCert; };
 *   CtExtensions extensions;
 * } MerkleTreeLeaf;
 * ```
 * RFC 6962 3.4, with the one extension of C2SP static-ct-api.
 *
 * @throws PageError `PROOF_MALFORMED`
 */
export function parseLogLeaf(octets: Uint8Array): LogLeaf {
  const reader = new OctetReader(octets, 'the leaf')
  if (reader.number(2) !== 0) reader.fail('it is of a version or a type that is not known')
  const loggedAt = reader.number(8)
  const type = reader.number(2)
  if (type > 1) reader.fail(`${type} is no type of entry`)
  const kind = type === 0 ? 'certificate' : 'precertificate'
  if (kind === 'precertificate') reader.octets(HASH_OCTETS)
  const serial = serialOf(reader.vector(3), kind)
  const index = leafIndex(reader.vector(2))
  reader.finish()
  return { loggedAt, kind, serial, index }
}

/** `Certificate ::= SEQUENCE { TBSCertificate … }`; `TBSCertificate ::= SEQUENCE { version, serialNumber INTEGER, … }` (RFC 5280 4.1). */
function serialOf(entry: OctetReader, kind: LogLeaf['kind']): string {
  const outer = entry.element(SEQUENCE)
  entry.finish()
  const tbs = kind === 'certificate' ? outer.element(SEQUENCE) : outer
  tbs.element(VERSION)
  const serial = tbs.element(INTEGER)
  if (serial.rest === 0) serial.fail('its certificate has no serial')
  const octets = serial.octets(serial.rest)
  // A first octet of 0 only says that the number is positive.
  return hexText(octets[0] === 0 && octets.length > 1 ? octets.subarray(1) : octets)
}

/** `struct { ExtensionType extension_type; opaque extension_data<0..2^16-1>; } Extension;` `uint40 LeafIndex;` */
function leafIndex(extensions: OctetReader): number {
  if (extensions.number(1) !== LEAF_INDEX) extensions.fail('it does not begin with its index')
  const index = extensions.vector(2)
  const number = index.number(5)
  index.finish()
  extensions.finish()
  return number
}
