import { hash } from 'node:crypto'
import type { TbsCertificate } from '../certificate.ts'
import type { DerReader } from '../der/reader.ts'
import { tag } from '../der/tag.ts'
import { encodeDer } from '../der/writer.ts'
import { subjectPublicKey } from '../keys/public-key.ts'
import { equalOctets, hexText } from '../octets.ts'
import { oids } from '../oids.ts'
import { PkiError } from '../pki-error.ts'
import { ocspMalformed } from './ocsp-malformed.ts'

/** SHA-256 is what new clients use (RFC 9919 §3.1.1); in SHA-1 the old ones ask, and nothing depends on its strength. */
export type OcspHash = 'sha1' | 'sha256'

/** Which certificate is asked about: its issuer, by hashes of name and key, and its serial number. */
export interface CertId {
  /** The whole element; a responder repeats it as it was asked. */
  readonly der: Uint8Array
  readonly hash: OcspHash
  readonly issuerNameHash: Uint8Array
  readonly issuerKeyHash: Uint8Array
  /** Content octets of the serial number, in lowercase hexadecimal, as `Certificate.serial`. */
  readonly serial: string
}

/**
 * ```
 * CertID ::= SEQUENCE {
 *   hashAlgorithm AlgorithmIdentifier, issuerNameHash OCTET STRING, issuerKeyHash OCTET STRING,
 *   serialNumber INTEGER }
 * ```
 * RFC 6960 §4.1.1. Parameters of the hash are NULL or absent (RFC 5754 §2).
 *
 * @throws PkiError `OCSP_HASH_UNSUPPORTED` for hashes other than SHA-1 and SHA-256, `OCSP_MALFORMED`
 */
export function readCertId(der: DerReader): CertId {
  const { value, encoded } = der.kept(readFields)
  const { hash, issuerNameHash, issuerKeyHash } = value
  const { octets } = hashes[hash]
  if (issuerNameHash.length !== octets || issuerKeyHash.length !== octets) {
    throw ocspMalformed(`the hashes of a certificate's issuer are not ${octets} octets of ${hash}`, {
      found: [issuerNameHash.length, issuerKeyHash.length],
      allowed: octets,
    })
  }
  return { der: encoded, ...value }
}

/** @param serial in hexadecimal, as `Certificate.serial` */
export function certIdOf({
  issuer,
  serial,
  hash,
}: {
  readonly issuer: TbsCertificate
  readonly serial: string
  readonly hash: OcspHash
}): CertId {
  const { name, key } = issuerHashes(issuer, hash)
  const der = encodeDer((der) =>
    der.sequence(() => {
      der.raw(hashes[hash].identifier)
      der.octetString(name)
      der.octetString(key)
      der.element(tag.integer, Buffer.from(serial, 'hex'))
    }),
  )
  return { der, hash, issuerNameHash: name, issuerKeyHash: key, serial }
}

/** Whether a certificate is asked about that this CA has issued, or might have. */
export function isAboutIssuer(certId: CertId, issuer: TbsCertificate): boolean {
  const { name, key } = issuerHashes(issuer, certId.hash)
  return equalOctets(certId.issuerNameHash, name) && equalOctets(certId.issuerKeyHash, key)
}

/** SHA-1 of the key's octets, 20 of them: how RFC 6960 §4.2.1 names a responder by its key. */
export function ocspKeyHash(certificate: TbsCertificate): Uint8Array {
  return issuerHashes(certificate, 'sha1').key
}

interface IssuerHashes {
  readonly name: Uint8Array
  readonly key: Uint8Array
}

/** An issuer's hashes are the same for all of its certificates, and asked for at each question. */
function issuerHashes(issuer: TbsCertificate, algorithm: OcspHash): IssuerHashes {
  const kept = keptHashes[algorithm].get(issuer)
  if (kept !== undefined) return kept
  const digest = (octets: Uint8Array) => new Uint8Array(hash(algorithm, octets, 'buffer'))
  const made = { name: digest(issuer.subject.der), key: digest(subjectPublicKey(issuer.spki)) }
  keptHashes[algorithm].set(issuer, made)
  return made
}

const keptHashes: Readonly<Record<OcspHash, WeakMap<TbsCertificate, IssuerHashes>>> = {
  sha1: new WeakMap(),
  sha256: new WeakMap(),
}

/** Identifiers are written with NULL, as nearly everybody does, because old clients compare octets. */
const hashes: Readonly<Record<OcspHash, { octets: number; identifier: Uint8Array }>> = {
  sha1: { octets: 20, identifier: hashIdentifier(oids.sha1) },
  sha256: { octets: 32, identifier: hashIdentifier(oids.sha256) },
}

function hashIdentifier(oid: string): Uint8Array {
  return encodeDer((der) =>
    der.sequence(() => {
      der.oid(oid)
      der.null()
    }),
  )
}

function readFields(der: DerReader): Omit<CertId, 'der'> {
  return der.sequence((certId) => ({
    hash: certId.sequence(readHash),
    issuerNameHash: certId.octetString(),
    issuerKeyHash: certId.octetString(),
    serial: hexText(certId.integer()),
  }))
}

function readHash(der: DerReader): OcspHash {
  const oid = der.oid()
  if (der.next(tag.null)) der.null()
  if (oid === oids.sha1) return 'sha1'
  if (oid === oids.sha256) return 'sha256'
  throw new PkiError(
    'OCSP_HASH_UNSUPPORTED',
    `a certificate is named by the hash ${oid}; SHA-256 (and SHA-1, for old clients) are known here`,
    { found: oid, allowed: [oids.sha256, oids.sha1] },
  )
}
