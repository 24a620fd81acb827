import { type DerReader, readDer } from './der/reader.ts'
import { tag } from './der/tag.ts'
import { type Extensions, noExtensions, readExtensions } from './extensions/extensions.ts'
import type { KeyAlgorithm } from './keys/key-algorithm.ts'
import { keyAlgorithmOf, sha256 } from './keys/public-key.ts'
import { type Name, readName } from './name.ts'
import { equalOctets, hexText } from './octets.ts'
import { PkiError } from './pki-error.ts'

/** What is to be signed, read from its own octets. */
export interface TbsCertificate {
  /** The octets that are signed. */
  readonly tbs: Uint8Array
  /** 1, 2 or 3. */
  readonly version: number
  /** Content octets of the serial number, in lowercase hexadecimal. */
  readonly serial: string
  readonly serialBytes: Uint8Array
  /** DER `AlgorithmIdentifier`. */
  readonly signatureAlgorithm: Uint8Array
  readonly issuer: Name
  readonly subject: Name
  /** Milliseconds since the epoch, whole seconds; inclusive. */
  readonly notBefore: number
  /** Milliseconds since the epoch, whole seconds; the certificate is valid through all of that second. */
  readonly notAfter: number
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array
  /** Undefined when the key is of no kind in the table; `keyAlgorithmOf(spki)` says why. */
  readonly keyAlgorithm: KeyAlgorithm | undefined
  readonly extensions: Extensions
}

/** A certificate that could be read. That says nothing about whether to trust it: see `verifyPath`. */
export interface Certificate extends TbsCertificate {
  readonly der: Uint8Array
  readonly signature: Uint8Array
}

/**
 * ```
 * Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue BIT STRING }
 * ```
 * RFC 5280 §4.1. The octets are copied once; everything in the result points into that copy.
 *
 * @param der at most 64 KiB
 * @throws PkiError `DER_INVALID`, `DER_BUDGET_EXCEEDED`, `EXTENSION_MALFORMED`, `CERTIFICATE_MALFORMED`
 */
export function parseCertificate(der: Uint8Array): Certificate {
  const own = new Uint8Array(der)
  return readDer(own, (reader) =>
    reader.sequence((certificate) => {
      const { value, encoded } = certificate.kept(readTbs)
      const outerAlgorithm = certificate.encoded(tag.sequence)
      const signature = certificate.octetsInBitString()
      // §4.1.1.2: the unsigned field says the same as the signed one.
      if (!equalOctets(outerAlgorithm, value.signatureAlgorithm)) {
        malformed('the signature algorithm outside the signed part differs from the one inside')
      }
      return { der: own, ...value, tbs: encoded, signature }
    }),
  )
}

/**
 * Reads a `TBSCertificate` that nobody has signed yet.
 *
 * @throws PkiError as `parseCertificate`
 */
export function parseTbsCertificate(tbs: Uint8Array): TbsCertificate {
  return { ...readDer(tbs, readTbs), tbs }
}

/** SHA-256 of the signed part: what an intent to sign is recorded by. */
export function tbsHash(tbs: Uint8Array): Uint8Array {
  return sha256(tbs)
}

/** Issuer and subject are the same (RFC 5280 §3.2: "self-issued"); says nothing about who signed. */
export function isSelfIssued({ issuer, subject }: TbsCertificate): boolean {
  return issuer.equals(subject)
}

/**
 * ```
 * TBSCertificate ::= SEQUENCE {
 *   version [0] EXPLICIT Version DEFAULT v1, serialNumber, signature AlgorithmIdentifier, issuer Name,
 *   validity SEQUENCE { notBefore Time, notAfter Time }, subject Name, subjectPublicKeyInfo,
 *   issuerUniqueID [1] OPTIONAL, subjectUniqueID [2] OPTIONAL, extensions [3] EXPLICIT OPTIONAL }
 * ```
 */
function readTbs(der: DerReader): Omit<TbsCertificate, 'tbs'> {
  return der.sequence((tbs) => {
    const version = readVersion(tbs)
    const serialBytes = tbs.integer()
    const signatureAlgorithm = tbs.encoded(tag.sequence)
    const issuer = readName(tbs)
    const { notBefore, notAfter } = tbs.sequence((validity) => ({
      notBefore: validity.time(),
      notAfter: validity.time(),
    }))
    const subject = readName(tbs)
    const spki = tbs.encoded(tag.sequence)
    // §4.1.2.8: unique identifiers are never issued, so [1] and [2] fall to "bytes after the end".
    const extensions = tbs.optional(3, readExtensions)
    if (extensions !== undefined && version !== 3) malformed(`extensions in a version ${version} certificate`)
    return {
      version,
      serial: hexText(serialBytes),
      serialBytes,
      signatureAlgorithm,
      issuer,
      subject,
      notBefore,
      notAfter,
      spki,
      keyAlgorithm: knownKeyAlgorithm(spki),
      extensions: extensions ?? noExtensions(),
    }
  })
}

/** §4.1.2.1: v1(0) is the default, and so never written. */
function readVersion(tbs: DerReader): number {
  const version = tbs.optional(0, (explicit) => explicit.smallInteger())
  if (version === undefined) return 1
  if (version !== 1 && version !== 2) malformed(`version number ${version} is neither 1 (v2) nor 2 (v3)`)
  return version + 1
}

function knownKeyAlgorithm(spki: Uint8Array): KeyAlgorithm | undefined {
  try {
    return keyAlgorithmOf(spki).algorithm
  } catch {
    return undefined
  }
}

function malformed(reason: string): never {
  throw new PkiError('CERTIFICATE_MALFORMED', `the certificate is malformed: ${reason}`, { reason })
}
