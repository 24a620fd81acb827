import { readTimestampedEntry, type TimestampedEntry, writeTimestampedEntry } from './timestamped-entry.ts'
import { readTls, type TlsReader } from './tls-reader.ts'
import { encodeTls } from './tls-writer.ts'
import { transparencyBudget } from './transparency-budget.ts'

/** One entry of a data tile: what is in the tree, and what was submitted. */
export interface TileLeaf extends TimestampedEntry {
  /** DER of the precertificate that was submitted; undefined for an `x509_entry`. */
  readonly precertificate: Uint8Array | undefined
  /** SHA-256 of the DER of each certificate above it, its issuer first, the root last; 32 octets each. */
  readonly chain: readonly Uint8Array[]
}

const fingerprintOctets = 32

/**
 * ```
 * struct {
 *   TimestampedEntry timestamped_entry;
 *   select (entry_type) { case x509_entry: Empty; case precert_entry: ASN.1Cert pre_certificate; };
 *   Fingerprint certificate_chain<0..2^16-1>;
 * } TileLeaf;
 * ```
 * C2SP static-ct-api, "Log entries".
 *
 * @throws TypeError when there is no precertificate to a `precert_entry`, or one to an `x509_entry`
 */
export function encodeTileLeaf(leaf: TileLeaf): Uint8Array {
  const { entry, precertificate, chain } = leaf
  if ((entry.type === 'precert_entry') !== (precertificate !== undefined)) {
    throw new TypeError('a precert_entry has its precertificate beside it, and an x509_entry has none')
  }
  return encodeTls((tls) => {
    writeTimestampedEntry(tls, leaf)
    if (precertificate !== undefined) tls.vector(3, precertificate)
    tls.number(chain.length * fingerprintOctets, 2)
    for (const fingerprint of chain) {
      if (fingerprint.length !== fingerprintOctets)
        throw new RangeError(`a fingerprint has ${fingerprintOctets} octets`)
      tls.octets(fingerprint)
    }
  })
}

/**
 * Reads one entry, which takes all of the octets. The result points into them.
 *
 * @throws PkiError `TRANSPARENCY_MALFORMED`
 */
export function parseTileLeaf(octets: Uint8Array): TileLeaf {
  const maxBytes = transparencyBudget.tileBytes / transparencyBudget.tileLeaves
  return readTls(octets, 'entry of a data tile', readTileLeaf, maxBytes)
}

/**
 * Reads a data tile: up to 256 entries, one after the other.
 *
 * @throws PkiError `TRANSPARENCY_MALFORMED`
 */
export function parseDataTile(octets: Uint8Array): readonly TileLeaf[] {
  const { tileLeaves, tileBytes } = transparencyBudget
  return readTls(octets, 'data tile', (tls) => tls.each(readTileLeaf, tileLeaves), tileBytes)
}

function readTileLeaf(tls: TlsReader): TileLeaf {
  const timestamped = readTimestampedEntry(tls)
  const precertificate = timestamped.entry.type === 'precert_entry' ? tls.vector(3, { least: 1 }) : undefined
  const fingerprints = tls.vector(2)
  if (fingerprints.length % fingerprintOctets !== 0)
    tls.fail('the chain of an entry is not of whole fingerprints')
  const chain: Uint8Array[] = []
  for (let at = 0; at < fingerprints.length; at += fingerprintOctets) {
    chain.push(fingerprints.subarray(at, at + fingerprintOctets))
  }
  return { ...timestamped, precertificate, chain }
}
