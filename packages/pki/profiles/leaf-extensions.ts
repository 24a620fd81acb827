import { type DerWriter, encodeDer } from '../der/writer.ts'
import { writeBasicConstraints } from '../extensions/basic-constraints.ts'
import { writeExtendedKeyUsage } from '../extensions/extended-key-usage.ts'
import { writeExtension } from '../extensions/extensions.ts'
import {
  keyIdentifierOf,
  writeAuthorityKeyIdentifier,
  writeSubjectKeyIdentifier,
} from '../extensions/key-identifiers.ts'
import { writeKeyUsage } from '../extensions/key-usage.ts'
import { oids } from '../oids.ts'
import { type LeafStatus, writeStatusExtensions } from './status-extensions.ts'

/**
 * What a leaf of some profile is for: it signs, for these purposes, and is no CA.
 *
 * @param purposes OIDs of the extended key usage
 * @returns DER, the extensions one after the other
 */
export function leafUsage(purposes: readonly string[]): Uint8Array {
  return encodeDer((der) => {
    writeExtension(der, oids.keyUsage, true, () => writeKeyUsage(der, ['digitalSignature']))
    writeExtension(der, oids.extendedKeyUsage, false, () => writeExtendedKeyUsage(der, purposes))
    writeExtension(der, oids.basicConstraints, true, () =>
      writeBasicConstraints(der, { ca: false, pathLength: undefined }),
    )
  })
}

/** Whose key signs, whose key it is, and where its status is to be learned. */
export function writeKeysAndStatus(
  der: DerWriter,
  {
    authorityKeyIdentifier,
    spki,
  }: { readonly authorityKeyIdentifier: Uint8Array; readonly spki: Uint8Array },
  status: LeafStatus,
): void {
  writeExtension(der, oids.authorityKeyIdentifier, false, () =>
    writeAuthorityKeyIdentifier(der, authorityKeyIdentifier),
  )
  writeExtension(der, oids.subjectKeyIdentifier, false, () =>
    writeSubjectKeyIdentifier(der, keyIdentifierOf(spki)),
  )
  writeStatusExtensions(der, status)
}
