import { parseCertificate, parseTbsCertificate, type TbsCertificate } from '../certificate.ts'
import { PkiError } from '../pki-error.ts'
import type { TlsReader } from './tls-reader.ts'
import type { TlsWriter } from './tls-writer.ts'

/** What a log holds and signs: a certificate as it is, or what a precertificate and its final one have in common. */
export type LogEntry = X509Entry | PrecertEntry

export interface X509Entry {
  readonly type: 'x509_entry'
  /** DER `Certificate`. */
  readonly certificate: Uint8Array
}

export interface PrecertEntry {
  readonly type: 'precert_entry'
  /** DER `TBSCertificate` without poison and SCTs. */
  readonly tbs: Uint8Array
  /** SHA-256 of the issuer's SubjectPublicKeyInfo, 32 octets. */
  readonly issuerKeyHash: Uint8Array
}

/** `LogEntryType`, RFC 6962 §3.1. */
const types = { x509_entry: 0, precert_entry: 1 } as const

/** Octets of a SHA-256. */
const hashOctets = 32

/**
 * The entry for a certificate that has SCTs, or will have.
 *
 * @param tbs DER `TBSCertificate` without poison and SCTs, as `withoutPoison` and `withoutSctList` make it
 * @param issuerKeyHash SHA-256 of the issuer's SubjectPublicKeyInfo
 */
export function precertEntry(fields: Omit<PrecertEntry, 'type'>): PrecertEntry {
  return { type: 'precert_entry', ...fields }
}

/** The entry for a certificate that was issued without being logged before. `certificate` in DER. */
export function x509Entry(certificate: Uint8Array): X509Entry {
  return { type: 'x509_entry', certificate }
}

/**
 * The certificate that an entry is of, by what the tree holds: what lies beside an entry is hashed by nobody.
 *
 * @throws PkiError as `parseCertificate`
 */
export function certificateOfEntry(entry: LogEntry): TbsCertificate {
  return entry.type === 'x509_entry' ? parseCertificate(entry.certificate) : parseTbsCertificate(entry.tbs)
}

/** The same; undefined for what can't be read as a certificate, and so is one to nobody. */
export function readableCertificate(entry: LogEntry): TbsCertificate | undefined {
  try {
    return certificateOfEntry(entry)
  } catch (error) {
    if (error instanceof PkiError) return undefined
    throw error
  }
}

/**
 * ```
 * LogEntryType entry_type;
 * select(entry_type) { case x509_entry: ASN.1Cert; case precert_entry: PreCert; } signed_entry;
 * opaque ASN.1Cert<1..2^24-1>;
 * struct { opaque issuer_key_hash[32]; opaque TBSCertificate<1..2^24-1>; } PreCert;
 * ```
 * RFC 6962 §3.1, §3.2.
 */
export function writeLogEntry(tls: TlsWriter, entry: LogEntry): void {
  tls.number(types[entry.type], 2)
  if (entry.type === 'x509_entry') {
    tls.vector(3, entry.certificate)
    return
  }
  if (entry.issuerKeyHash.length !== hashOctets)
    throw new RangeError(`an issuer's key hash has ${hashOctets} octets`)
  tls.octets(entry.issuerKeyHash)
  tls.vector(3, entry.tbs)
}

export function readLogEntry(tls: TlsReader): LogEntry {
  const type = tls.number(2)
  if (type === types.x509_entry) return x509Entry(tls.vector(3, { least: 1 }))
  if (type !== types.precert_entry) tls.fail(`${type} is no type of entry`)
  const issuerKeyHash = tls.octets(hashOctets)
  return precertEntry({ issuerKeyHash, tbs: tls.vector(3, { least: 1 }) })
}
