import { type DerReader, readDer } from './der/reader.ts'
import { constructed, tag } from './der/tag.ts'
import { encodeDer } from './der/writer.ts'
import { type Extensions, noExtensions, readExtensions, writeExtension } from './extensions/extensions.ts'
import { type AltNames, writeSubjectAltName } from './extensions/subject-alt-name.ts'
import { type KeyAlgorithm, keyAlgorithms } from './keys/key-algorithm.ts'
import { keyAlgorithmOf } from './keys/public-key.ts'
import { verifySignature } from './keys/signature.ts'
import type { Signer } from './keys/signer.ts'
import { type Name, readName } from './name.ts'
import { oids } from './oids.ts'
import { PkiError } from './pki-error.ts'
import { encodeSigned } from './signed.ts'

/**
 * A certification request: who somebody says to be, and a key. Nothing in it is believed before it was
 * checked.
 */
export interface Csr {
  readonly der: Uint8Array
  /** The octets that are signed. */
  readonly info: Uint8Array
  readonly subject: Name
  readonly spki: Uint8Array
  readonly keyAlgorithm: KeyAlgorithm
  /** What the request asks for (RFC 2985 §5.4.2). */
  readonly extensions: Extensions
  readonly signatureAlgorithm: Uint8Array
  readonly signature: Uint8Array
}

/**
 * ```
 * CertificationRequest ::= SEQUENCE { certificationRequestInfo, signatureAlgorithm, signature BIT STRING }
 * CertificationRequestInfo ::= SEQUENCE { version INTEGER 0, subject Name, subjectPKInfo, attributes [0] }
 * ```
 * RFC 2986 §4.
 *
 * @param der at most 64 KiB
 * @throws PkiError `DER_INVALID`, `DER_BUDGET_EXCEEDED`, `EXTENSION_MALFORMED`, `CSR_MALFORMED`,
 *   `KEY_UNSUPPORTED`, `KEY_WEAK`
 */
export function parseCsr(der: Uint8Array): Csr {
  const own = new Uint8Array(der)
  return readDer(own, (reader) =>
    reader.sequence((csr) => {
      const { value, encoded } = csr.kept(readInfo)
      const signatureAlgorithm = csr.encoded(tag.sequence)
      return {
        der: own,
        info: encoded,
        ...value,
        keyAlgorithm: keyAlgorithmOf(value.spki).algorithm,
        signatureAlgorithm,
        signature: csr.octetsInBitString(),
      }
    }),
  )
}

/**
 * Checks that whoever made the request holds the private key (RFC 2986 §3).
 *
 * @throws PkiError `CSR_POSSESSION_UNPROVEN`, `SIGNATURE_ALGORITHM_UNSUPPORTED`
 */
export function checkProofOfPossession({ spki, info, signature, signatureAlgorithm }: Csr): void {
  if (verifySignature({ spki, message: info, signature, algorithm: signatureAlgorithm })) return
  throw new PkiError(
    'CSR_POSSESSION_UNPROVEN',
    'the request is not signed by the key it asks a certificate for; make it again with the private key at hand',
  )
}

export interface CsrRequest extends AltNames {
  /** DER `Name`, as `encodeName` makes it. */
  readonly subject: Uint8Array
  readonly signer: Signer
}

/** @returns DER `CertificationRequest`, which asks for the given names and nothing else */
export async function createCsr({ subject, signer, ...names }: CsrRequest): Promise<Uint8Array> {
  const info = encodeDer((der) =>
    der.sequence(() => {
      der.smallInteger(0)
      der.raw(subject)
      der.raw(signer.spki)
      der.explicit(0, () => {
        if (!Object.values(names).some((list) => list.length > 0)) return
        der.sequence(() => {
          der.oid(oids.extensionRequest)
          der.set(() =>
            der.sequence(() =>
              writeExtension(der, oids.subjectAltName, false, () => writeSubjectAltName(der, names)),
            ),
          )
        })
      })
    }),
  )
  const { signatureIdentifier } = keyAlgorithms[signer.algorithm]
  return encodeSigned(info, signatureIdentifier, await signer.sign(info))
}

function readInfo(der: DerReader): Pick<Csr, 'subject' | 'spki' | 'extensions'> {
  return der.sequence((info) => {
    const version = info.smallInteger()
    if (version !== 0) malformed(`version number ${version} is not 0`)
    const subject = readName(info)
    const spki = info.encoded(tag.sequence)
    const requests = info
      .inside(constructed(0), (attributes) => attributes.each(readAttribute))
      .filter((extensions) => extensions !== undefined)
    if (requests.length > 1) malformed('extensions are requested twice')
    return { subject, spki, extensions: requests[0] ?? noExtensions() }
  })
}

/**
 * `Attribute ::= SEQUENCE { type OBJECT IDENTIFIER, values SET SIZE (1..MAX) OF ANY }`; other attributes are
 * skipped.
 */
function readAttribute(der: DerReader): Extensions | undefined {
  return der.sequence((attribute) => {
    if (attribute.oid() === oids.extensionRequest) return attribute.inside(tag.set, readExtensions)
    attribute.content(tag.set)
    return undefined
  })
}

function malformed(reason: string): never {
  throw new PkiError('CSR_MALFORMED', `the certification request is malformed: ${reason}`, { reason })
}
