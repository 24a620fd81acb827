import type { DerReader } from '../der/reader.ts'
import { constructed, primitive } from '../der/tag.ts'
import type { DerWriter } from '../der/writer.ts'
import { sha256, subjectPublicKey } from '../keys/public-key.ts'

export interface SubjectKeyIdentifier {
  readonly keyIdentifier: Uint8Array
}

export interface AuthorityKeyIdentifier {
  readonly keyIdentifier: Uint8Array | undefined
  /** Whether it also names the issuer's certificate by issuer and serial, which breaks cross-signing. */
  readonly namesCertificate: boolean
}

/** `SubjectKeyIdentifier ::= OCTET STRING`, RFC 5280 §4.2.1.2. */
export function readSubjectKeyIdentifier(der: DerReader): SubjectKeyIdentifier {
  const keyIdentifier = der.octetString()
  if (keyIdentifier.length === 0) der.fail('a subject key identifier is empty')
  return { keyIdentifier }
}

export function writeSubjectKeyIdentifier(der: DerWriter, keyIdentifier: Uint8Array): void {
  der.octetString(keyIdentifier)
}

/**
 * ```
 * AuthorityKeyIdentifier ::= SEQUENCE {
 *   keyIdentifier [0] OPTIONAL, authorityCertIssuer [1] OPTIONAL, authorityCertSerialNumber [2] OPTIONAL }
 * ```
 * RFC 5280 §4.2.1.1: the last two are both there or both not.
 */
export function readAuthorityKeyIdentifier(der: DerReader): AuthorityKeyIdentifier {
  return der.sequence((identifier) => {
    const keyIdentifier = identifier.next(primitive(0)) ? identifier.content(primitive(0)) : undefined
    const issuer = identifier.next(constructed(1)) ? identifier.content(constructed(1)) : undefined
    const serial = identifier.next(primitive(2)) ? identifier.integer(primitive(2)) : undefined
    if ((issuer === undefined) !== (serial === undefined)) {
      identifier.fail(
        'an authority key identifier has an issuer without a serial, or a serial without an issuer',
      )
    }
    return { keyIdentifier, namesCertificate: issuer !== undefined }
  })
}

export function writeAuthorityKeyIdentifier(der: DerWriter, keyIdentifier: Uint8Array): void {
  der.sequence(() => der.element(primitive(0), keyIdentifier))
}

/** RFC 7093 §2 method 1: the leftmost 160 bits of the SHA-256 of the key's octets. */
export function keyIdentifierOf(spki: Uint8Array): Uint8Array {
  return sha256(subjectPublicKey(spki)).slice(0, 20)
}
