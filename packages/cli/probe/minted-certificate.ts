import type { KeyObject } from 'node:crypto'
import {
  type AltNames,
  type Certificate,
  encodeExtension,
  encodeName,
  encodePem,
  encodeSigned,
  encodeTbsCertificate,
  generateKeyPair,
  type KeyUsageName,
  keyAlgorithms,
  keyIdentifierOf,
  localSigner,
  type NameParts,
  oids,
  parseCertificate,
  writeAuthorityKeyIdentifier,
  writeBasicConstraints,
  writeExtendedKeyUsage,
  writeKeyUsage,
  writeSubjectAltName,
  writeSubjectKeyIdentifier,
} from '@datapunk/pki'

/** A certificate that no authority of a mesh has made, and its key. */
export interface Minted {
  readonly certificate: Certificate
  readonly privateKey: KeyObject
  /** PEM of this certificate alone. */
  readonly pem: string
  /** PEM, PKCS#8. */
  readonly keyPem: string
}

export interface MintOptions {
  readonly subject: NameParts
  readonly isCa?: boolean
  /** Default: what a CA, or a leaf, needs. */
  readonly usages?: readonly KeyUsageName[]
  readonly names?: AltNames | undefined
  /** Default: server and client. OIDs. */
  readonly purposes?: readonly string[]
  /** Milliseconds since the epoch. */
  readonly notBefore: number
  readonly notAfter: number
  /** Who signs it; itself unless told. */
  readonly issuer?: Pick<Minted, 'certificate' | 'privateKey'> | undefined
  /** A key that is there already; a new P-256 key unless told. */
  readonly privateKey?: KeyObject | undefined
  readonly randomBytes: (length: number) => Uint8Array
}

/**
 * Makes a certificate that says whatever is asked for, right or wrong. Only keys of the probe's own sign it, or those of a mesh
 * that was made to be thrown away: no authority lints it, and none has it on record.
 */
export async function mint(options: MintOptions): Promise<Minted> {
  const { subject, notBefore, notAfter, issuer } = options
  const privateKey = options.privateKey ?? (await generateKeyPair('ecdsa-p256')).privateKey
  const { spki } = localSigner(privateKey)
  const signer = localSigner(issuer?.privateKey ?? privateKey)
  const { signatureIdentifier } = keyAlgorithms[signer.algorithm]
  const serial = options.randomBytes(16)
  const name = encodeName(subject)
  const tbs = encodeTbsCertificate({
    // One that begins with a set bit would be an octet longer.
    serial: Uint8Array.from(serial, (octet, index) => (index === 0 ? (octet & 0x7f) | 0x40 : octet)),
    signatureIdentifier,
    issuer: issuer?.certificate.subject.der ?? name,
    ...{ notBefore, notAfter, subject: name, spki },
    writeExtensions: (der) => {
      for (const extension of extensionsOf(options, spki, signer.spki)) der.raw(extension)
    },
  })
  const der = encodeSigned(tbs, signatureIdentifier, await signer.sign(tbs))
  return {
    certificate: parseCertificate(der),
    privateKey,
    pem: encodePem('CERTIFICATE', der),
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  }
}

function extensionsOf(
  { isCa = false, names, purposes = [oids.serverAuth, oids.clientAuth], usages }: MintOptions,
  spki: Uint8Array,
  issuerSpki: Uint8Array,
): Uint8Array[] {
  const needed = isCa ? (['keyCertSign', 'cRLSign'] as const) : (['digitalSignature'] as const)
  return [
    ...(names === undefined
      ? []
      : [encodeExtension(oids.subjectAltName, false, (der) => writeSubjectAltName(der, names))]),
    encodeExtension(oids.keyUsage, true, (der) => writeKeyUsage(der, usages ?? needed)),
    ...(purposes.length === 0
      ? []
      : [encodeExtension(oids.extendedKeyUsage, false, (der) => writeExtendedKeyUsage(der, purposes))]),
    encodeExtension(oids.basicConstraints, true, (der) =>
      writeBasicConstraints(der, { ca: isCa, pathLength: undefined }),
    ),
    encodeExtension(oids.authorityKeyIdentifier, false, (der) =>
      writeAuthorityKeyIdentifier(der, keyIdentifierOf(issuerSpki)),
    ),
    encodeExtension(oids.subjectKeyIdentifier, false, (der) =>
      writeSubjectKeyIdentifier(der, keyIdentifierOf(spki)),
    ),
  ]
}
