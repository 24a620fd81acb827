import { type DerReader, readDer } from '../der/reader.ts'
import { type DerWriter, encodeDer } from '../der/writer.ts'
import { oids } from '../oids.ts'
import { PkiError } from '../pki-error.ts'
import { type AuthorityInfoAccess, readAuthorityInfoAccess } from './authority-info-access.ts'
import { type BasicConstraints, readBasicConstraints } from './basic-constraints.ts'
import { type CrlDistributionPoints, readCrlDistributionPoints } from './crl-distribution-points.ts'
import { type ExtendedKeyUsage, readExtendedKeyUsage } from './extended-key-usage.ts'
import {
  type AuthorityKeyIdentifier,
  readAuthorityKeyIdentifier,
  readSubjectKeyIdentifier,
  type SubjectKeyIdentifier,
} from './key-identifiers.ts'
import { type KeyUsage, readKeyUsage } from './key-usage.ts'
import { type NameConstraints, readNameConstraints } from './name-constraints.ts'
import { type OcspNoCheck, readOcspNoCheck } from './ocsp-no-check.ts'
import { type PrecertificatePoison, readPrecertificatePoison } from './precertificate-poison.ts'
import { readSctList, type SctList } from './sct-list.ts'
import { readSubjectAltName, type SubjectAltName } from './subject-alt-name.ts'
import { readTlsFeature, type TlsFeature } from './tls-feature.ts'

/** One extension as it stands in the certificate. */
export interface Extension {
  readonly oid: string
  readonly critical: boolean
  readonly value: Uint8Array
}

type Critical = { readonly critical: boolean }

/**
 * The extensions of a certificate or of a request: those that are understood, by name, and all of them as
 * they are.
 */
export interface Extensions {
  readonly all: readonly Extension[]
  readonly authorityInfoAccess: (AuthorityInfoAccess & Critical) | undefined
  readonly authorityKeyIdentifier: (AuthorityKeyIdentifier & Critical) | undefined
  readonly basicConstraints: (BasicConstraints & Critical) | undefined
  readonly crlDistributionPoints: (CrlDistributionPoints & Critical) | undefined
  readonly extendedKeyUsage: (ExtendedKeyUsage & Critical) | undefined
  readonly freshestCrl: (CrlDistributionPoints & Critical) | undefined
  readonly keyUsage: (KeyUsage & Critical) | undefined
  readonly nameConstraints: (NameConstraints & Critical) | undefined
  readonly ocspNoCheck: (OcspNoCheck & Critical) | undefined
  readonly poison: (PrecertificatePoison & Critical) | undefined
  readonly scts: (SctList & Critical) | undefined
  readonly subjectAltName: (SubjectAltName & Critical) | undefined
  readonly subjectKeyIdentifier: (SubjectKeyIdentifier & Critical) | undefined
  readonly tlsFeature: (TlsFeature & Critical) | undefined
  /**
   * Object identifiers of critical extensions that are not processed: policies of all kinds, CRL distribution
   * points, TLS features.
   */
  readonly unknownCritical: readonly string[]
}

type Known = Exclude<keyof Extensions, 'all' | 'unknownCritical'>
type Mutable = { -readonly [K in keyof Extensions]: Extensions[K] }

/**
 * `Extensions ::= SEQUENCE SIZE (1..MAX) OF Extension`, RFC 5280 §4.1, §4.2.
 *
 * @throws PkiError `EXTENSION_MALFORMED` with `data.extension`, also when one appears twice (§4.2)
 */
export function readExtensions(der: DerReader): Extensions {
  const all = der.sequenceOf(readExtension)
  if (all.length === 0) der.fail('a list of extensions is empty')
  return understand(all)
}

/** No extension at all: version 1 certificates, requests that ask for none. */
export function noExtensions(): Extensions {
  return understand([])
}

/** Writes one extension; `critical` is left out when false (X.690 §11.5). */
export function writeExtension(der: DerWriter, oid: string, critical: boolean, writeValue: () => void): void {
  der.sequence(() => {
    der.oid(oid)
    if (critical) der.booleanTrue()
    der.octetStringOf(writeValue)
  })
}

const readers: ReadonlyMap<string, readonly [Known, (der: DerReader) => object]> = new Map([
  [oids.authorityInfoAccess, ['authorityInfoAccess', readAuthorityInfoAccess]],
  [oids.authorityKeyIdentifier, ['authorityKeyIdentifier', readAuthorityKeyIdentifier]],
  [oids.basicConstraints, ['basicConstraints', readBasicConstraints]],
  [oids.crlDistributionPoints, ['crlDistributionPoints', readCrlDistributionPoints]],
  [oids.extendedKeyUsage, ['extendedKeyUsage', readExtendedKeyUsage]],
  [oids.freshestCrl, ['freshestCrl', readCrlDistributionPoints]],
  [oids.keyUsage, ['keyUsage', readKeyUsage]],
  [oids.nameConstraints, ['nameConstraints', readNameConstraints]],
  [oids.ocspNoCheck, ['ocspNoCheck', readOcspNoCheck]],
  [oids.poison, ['poison', readPrecertificatePoison]],
  [oids.scts, ['scts', readSctList]],
  [oids.subjectAltName, ['subjectAltName', readSubjectAltName]],
  [oids.subjectKeyIdentifier, ['subjectKeyIdentifier', readSubjectKeyIdentifier]],
  [oids.tlsFeature, ['tlsFeature', readTlsFeature]],
])

const unknown: readonly [undefined, undefined] = [undefined, undefined]

/**
 * Extensions whose every consequence is drawn here; the others can be read, but being critical they are
 * refused.
 */
const processed: ReadonlySet<string | undefined> = new Set<Known>([
  'authorityKeyIdentifier',
  'basicConstraints',
  'extendedKeyUsage',
  'keyUsage',
  'nameConstraints',
  'subjectAltName',
  'subjectKeyIdentifier',
])

/**
 * Refused whatever their `critical` says. RFC 9618 §6.5: who doesn't process policies takes theirs for critical
 * extensions that are not understood. RFC 6962 §3.1: a precertificate is no certificate.
 */
const alwaysCritical: ReadonlySet<string> = new Set([
  oids.policyConstraints,
  oids.inhibitAnyPolicy,
  oids.poison,
])

/** `Extension ::= SEQUENCE { extnID, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING }`. */
export function readExtension(der: DerReader): Extension {
  return der.sequence((extension) => ({
    oid: extension.oid(),
    critical: extension.booleanDefaultFalse(),
    value: extension.octetString(),
  }))
}

function understand(all: readonly Extension[]): Extensions {
  const unknownCritical: string[] = []
  const extensions: Mutable = {
    all,
    authorityInfoAccess: undefined,
    authorityKeyIdentifier: undefined,
    basicConstraints: undefined,
    crlDistributionPoints: undefined,
    extendedKeyUsage: undefined,
    freshestCrl: undefined,
    keyUsage: undefined,
    nameConstraints: undefined,
    ocspNoCheck: undefined,
    poison: undefined,
    scts: undefined,
    subjectAltName: undefined,
    subjectKeyIdentifier: undefined,
    tlsFeature: undefined,
    unknownCritical,
  }
  let others: Set<string> | undefined
  for (const { oid, critical, value } of all) {
    const [name, read] = readers.get(oid) ?? unknown
    const twice = name === undefined ? others?.has(oid) : extensions[name] !== undefined
    if (twice) throw malformed(name ?? oid, 'it appears twice (RFC 5280 §4.2)')
    if (name === undefined) others = (others ?? new Set()).add(oid)
    if ((critical || alwaysCritical.has(oid)) && !processed.has(name)) unknownCritical.push(oid)
    if (name !== undefined && read !== undefined) {
      // Into the object that was just read: to copy each of them costs as much as to read it.
      const understood = Object.assign(readValue(name, value, read), { critical })
      ;(extensions as Record<Known, object | undefined>)[name] = understood
    }
  }
  return extensions
}

/** @throws PkiError `EXTENSION_MALFORMED` with `data.extension`, the name, when `read` can't read the value */
export function readValue<T>(name: string, value: Uint8Array, read: (der: DerReader) => T): T {
  try {
    return readDer(value, read)
  } catch (cause) {
    throw malformed(name, cause instanceof Error ? cause.message : 'it cannot be read', cause)
  }
}

export function malformed(extension: string, reason: string, cause?: unknown): PkiError {
  return new PkiError(
    'EXTENSION_MALFORMED',
    `the extension ${extension} is malformed: ${reason}`,
    { extension, reason },
    { cause },
  )
}

/** The value of an extension, encoded on its own. */
export function encodeExtension(
  oid: string,
  critical: boolean,
  writeValue: (der: DerWriter) => void,
): Uint8Array {
  return encodeDer((der) => writeExtension(der, oid, critical, () => writeValue(der)))
}
