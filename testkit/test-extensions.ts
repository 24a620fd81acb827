import {
  type AltNames,
  encodeExtension,
  type KeyUsageName,
  keyIdentifierOf,
  type NameSpaces,
  oids,
  statusRequest,
  writeAuthorityKeyIdentifier,
  writeBasicConstraints,
  writeExtendedKeyUsage,
  writeKeyUsage,
  writeNameConstraints,
  writePrecertificatePoison,
  writeSctList,
  writeSubjectAltName,
  writeSubjectKeyIdentifier,
} from '@datapunk/pki'

/**
 * Whole encodings of extensions, for certificates made by tests. Criticality is what the RFC wants unless
 * told.
 */
export const testExtension = {
  basicConstraints(ca: boolean, pathLength?: number, critical = true): Uint8Array {
    return encodeExtension(oids.basicConstraints, critical, (der) =>
      writeBasicConstraints(der, { ca, pathLength }),
    )
  },
  keyUsage(usages: readonly KeyUsageName[], critical = true): Uint8Array {
    return encodeExtension(oids.keyUsage, critical, (der) => writeKeyUsage(der, usages))
  },
  extendedKeyUsage(purposes: readonly string[], critical = false): Uint8Array {
    return encodeExtension(oids.extendedKeyUsage, critical, (der) => writeExtendedKeyUsage(der, purposes))
  },
  subjectAltName(names: AltNames, critical = false): Uint8Array {
    return encodeExtension(oids.subjectAltName, critical, (der) => writeSubjectAltName(der, names))
  },
  nameConstraints(permitted: NameSpaces, excluded: NameSpaces = {}, critical = true): Uint8Array {
    return encodeExtension(oids.nameConstraints, critical, (der) =>
      writeNameConstraints(der, permitted, excluded),
    )
  },
  authorityKeyIdentifier(issuerSpki: Uint8Array, critical = false): Uint8Array {
    return encodeExtension(oids.authorityKeyIdentifier, critical, (der) =>
      writeAuthorityKeyIdentifier(der, keyIdentifierOf(issuerSpki)),
    )
  },
  subjectKeyIdentifier(spki: Uint8Array, critical = false): Uint8Array {
    return encodeExtension(oids.subjectKeyIdentifier, critical, (der) =>
      writeSubjectKeyIdentifier(der, keyIdentifierOf(spki)),
    )
  },
  /** RFC 7633: a server that shows it has to staple. */
  mustStaple(critical = false): Uint8Array {
    return encodeExtension(oids.tlsFeature, critical, (der) =>
      der.sequence(() => der.smallInteger(statusRequest)),
    )
  },
  /** What makes a precertificate of a certificate. */
  poison(critical = true): Uint8Array {
    return encodeExtension(oids.poison, critical, writePrecertificatePoison)
  },
  /** @param list in the encoding of TLS, as `encodeSctList` makes it */
  sctList(list: Uint8Array): Uint8Array {
    return encodeExtension(oids.scts, false, (der) => writeSctList(der, list))
  },
  /** Any extension, with any octets as its value. */
  raw(oid: string, value: Uint8Array, critical = false): Uint8Array {
    return encodeExtension(oid, critical, (der) => der.raw(value))
  },
} as const
