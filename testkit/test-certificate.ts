import type { KeyObject } from 'node:crypto'
import {
  type Certificate,
  type DerWriter,
  encodeDer,
  encodeName,
  encodePem,
  encodeSigned,
  keyAlgorithms,
  localSigner,
  type NameParts,
  parseCertificate,
  type Signer,
  tag,
} from '@datapunk/pki'

/** A certificate with its private key, as a server or client would hold it. */
export interface TestIdentity {
  readonly certificate: Certificate
  readonly der: Uint8Array
  /** PEM of this certificate alone. */
  readonly pem: string
  readonly privateKey: KeyObject
  /** PKCS#8 PEM, not encrypted. */
  readonly keyPem: string
  readonly signer: Signer
}

/** Extensions by name, each as its whole encoding (`encodeExtension`); null leaves one out. */
export type TestExtensions = Readonly<Record<string, Uint8Array | null>>

/** Every field of a certificate, well-formed or not: nothing here is checked, that is the point. */
export interface TestFields {
  /** 1, 2 or 3. */
  readonly version: number
  /** Content octets of the INTEGER, as they are to stand there. */
  readonly serial: Uint8Array
  readonly signatureIdentifier: Uint8Array
  /** The unsigned copy of it; the same unless told. */
  readonly outerSignatureIdentifier?: Uint8Array
  readonly issuer: NameParts | Uint8Array
  /** Milliseconds since the epoch. */
  readonly notBefore: number
  readonly notAfter: number
  /** Whole `Validity` element, where times alone can't say it. */
  readonly validity?: Uint8Array
  readonly subject: NameParts | Uint8Array
  readonly spki: Uint8Array
  readonly extensions: TestExtensions
}

/** The DER of a certificate of exactly these fields, signed by `signer`. */
export async function signTestCertificate(fields: TestFields, signer: Signer): Promise<Uint8Array> {
  const tbs = encodeDer((der) => der.sequence(() => writeFields(der, fields)))
  const signature = await signer.sign(tbs)
  return encodeSigned(tbs, fields.outerSignatureIdentifier ?? fields.signatureIdentifier, signature)
}

/**
 * Puts a certificate and its key together. Certificate and signer are made when they are first asked for,
 * because a bad certificate may be one that can't be parsed, and a bad key one that can't sign for us.
 */
export function testIdentity(der: Uint8Array, privateKey: KeyObject): TestIdentity {
  let certificate: Certificate | undefined
  let signer: Signer | undefined
  return {
    get certificate() {
      certificate ??= parseCertificate(der)
      return certificate
    },
    get signer() {
      signer ??= localSigner(privateKey)
      return signer
    },
    der,
    pem: encodePem('CERTIFICATE', der),
    privateKey,
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  }
}

/** What a signer of ours puts into `signatureAlgorithm`. */
export function signatureIdentifierOf({ algorithm }: Signer): Uint8Array {
  return keyAlgorithms[algorithm].signatureIdentifier
}

function writeFields(der: DerWriter, fields: TestFields): void {
  if (fields.version !== 1) der.explicit(0, () => der.smallInteger(fields.version - 1))
  der.element(tag.integer, fields.serial)
  der.raw(fields.signatureIdentifier)
  der.raw(nameDer(fields.issuer))
  if (fields.validity !== undefined) der.raw(fields.validity)
  else
    der.sequence(() => {
      der.time(fields.notBefore)
      der.time(fields.notAfter)
    })
  der.raw(nameDer(fields.subject))
  der.raw(fields.spki)
  const extensions = Object.values(fields.extensions).filter((extension) => extension !== null)
  if (extensions.length === 0) return
  der.explicit(3, () =>
    der.sequence(() => {
      for (const extension of extensions) der.raw(extension)
    }),
  )
}

function nameDer(name: NameParts | Uint8Array): Uint8Array {
  return name instanceof Uint8Array ? name : encodeName(name)
}
