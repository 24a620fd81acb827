import {
  encodeSct,
  encodeSctList,
  generateKeyPair,
  type KeyAlgorithm,
  type KeyPair,
  localSigner,
  type NameParts,
  oids,
  spkiOf,
} from '@datapunk/pki'
import { seededRandom } from './seeded-random.ts'
import {
  signatureIdentifierOf,
  signTestCertificate,
  type TestExtensions,
  type TestFields,
  type TestIdentity,
  testIdentity,
} from './test-certificate.ts'
import { testExtension } from './test-extensions.ts'
import type { Loggable, TestLog } from './test-log.ts'

const day = 24 * 60 * 60 * 1000

export interface TestCaOptions {
  /** Kind of every key it makes, where a certificate doesn't say otherwise. */
  readonly algorithm?: KeyAlgorithm
  readonly trustDomain?: string
  /** The moment it was made, in milliseconds since the epoch; 2026-01-01T00:00:00Z unless told. */
  readonly at?: number
  readonly seed?: string
  readonly root?: TestOverrides
  readonly issuing?: TestOverrides
}

/** What may be different from a good certificate. `extensions` are merged by name into the usual ones. */
export type TestOverrides = Partial<TestFields> & {
  readonly algorithm?: KeyAlgorithm
  /** A key that exists already. */
  readonly keyPair?: KeyPair
}

/**
 * A certificate authority for tests: root → issuing CA → leaves, of any algorithm, valid for ten years, three
 * years and 365 days. Any field and any extension can be overridden, so a certificate with one fault is one
 * line:
 *
 * ```ts
 * const ca = await TestCa.create()
 * const bad = await ca.leaf('lake', { extensions: { extendedKeyUsage: null } })
 * ```
 */
export class TestCa {
  readonly root: TestIdentity
  readonly issuing: TestIdentity
  readonly trustDomain: string
  readonly at: number
  readonly #algorithm: KeyAlgorithm
  readonly #random: (length: number) => Uint8Array

  private constructor(
    { algorithm, trustDomain, at }: Required<Pick<TestCaOptions, 'algorithm' | 'trustDomain' | 'at'>>,
    random: (length: number) => Uint8Array,
    root: TestIdentity,
    issuing: TestIdentity,
  ) {
    this.root = root
    this.issuing = issuing
    this.trustDomain = trustDomain
    this.at = at
    this.#algorithm = algorithm
    this.#random = random
  }

  static async create(options: TestCaOptions = {}): Promise<TestCa> {
    const algorithm = options.algorithm ?? 'ecdsa-p256'
    const trustDomain = options.trustDomain ?? 'service.datapunk'
    const at = options.at ?? Date.UTC(2026, 0, 1)
    const random = seededRandom(options.seed ?? `${trustDomain}/${algorithm}`)
    const root = await makeCertificate(
      {
        serial: serialFrom(random),
        subject: { commonName: `${trustDomain} root`, organization: 'Datapunk', country: 'US' },
        notBefore: at - day,
        notAfter: at + 3650 * day,
        extensions: {
          basicConstraints: testExtension.basicConstraints(true),
          keyUsage: testExtension.keyUsage(['keyCertSign', 'cRLSign']),
        },
      },
      { algorithm, ...options.root },
      undefined,
    )
    const issuing = await makeCertificate(
      {
        serial: serialFrom(random),
        subject: { commonName: `${trustDomain} issuing CA`, organization: 'Datapunk', country: 'US' },
        notBefore: at - day,
        notAfter: at + 1095 * day,
        extensions: {
          basicConstraints: testExtension.basicConstraints(true, 0),
          keyUsage: testExtension.keyUsage(['keyCertSign', 'cRLSign']),
          nameConstraints: testExtension.nameConstraints(
            { domains: [trustDomain], uriHosts: [trustDomain], ipRanges: ['127.0.0.0/8', '::1'] },
            {},
          ),
        },
      },
      { algorithm, ...options.issuing },
      root,
    )
    return new TestCa({ algorithm, trustDomain, at }, random, root, issuing)
  }

  /** A good leaf of a service, but for the overrides. It may be served on `127.0.0.1` and `::1`. */
  leaf(
    service: string,
    overrides: TestOverrides = {},
    issuer: TestIdentity = this.issuing,
  ): Promise<TestIdentity> {
    const name = `${service}.${this.trustDomain}`
    const leaf = {
      serial: serialFrom(this.#random),
      subject: { commonName: name, organization: 'Datapunk', country: 'US' },
      notBefore: this.at - 60 * 60 * 1000,
      notAfter: this.at + 365 * day,
      extensions: {
        subjectAltName: testExtension.subjectAltName({
          dnsNames: [name],
          uris: [`spiffe://${this.trustDomain}/${service}`],
          ipAddresses: ['127.0.0.1', '::1'],
        }),
        keyUsage: testExtension.keyUsage(['digitalSignature']),
        extendedKeyUsage: testExtension.extendedKeyUsage([oids.serverAuth, oids.clientAuth]),
        basicConstraints: testExtension.basicConstraints(false),
      },
    }
    return makeCertificate(leaf, { algorithm: this.#algorithm, ...overrides }, issuer)
  }

  /** A good leaf with an SCT of this log, signed at `sctAt` (milliseconds since the epoch; the CA's own moment unless told). */
  loggedLeaf(
    service: string,
    log: TestLog,
    { sctAt = this.at, ...overrides }: TestOverrides & { readonly sctAt?: number } = {},
  ): Promise<TestIdentity> {
    const list = async (loggable: Loggable) => encodeSctList([encodeSct(await log.sct(loggable, sctAt))])
    return this.leafWithScts(service, list, overrides)
  }

  /**
   * A leaf whose list of SCTs is whatever `makeList` makes of the same certificate without it.
   *
   * @param makeList returns the octets of the list, well-formed or not
   */
  async leafWithScts(
    service: string,
    makeList: (loggable: Loggable) => Promise<Uint8Array>,
    overrides: TestOverrides = {},
  ): Promise<TestIdentity> {
    const keyPair = overrides.keyPair ?? (await generateKeyPair(overrides.algorithm ?? this.#algorithm))
    const same = { serial: serialFrom(this.#random), ...overrides, keyPair }
    const { certificate } = await this.leaf(service, same)
    const list = await makeList({ tbs: certificate.tbs, issuerSpki: this.issuing.certificate.spki })
    return this.leaf(service, {
      ...same,
      extensions: { ...same.extensions, scts: testExtension.sctList(list) },
    })
  }

  /** A good certificate of a person who looks after the mesh, but for the overrides. */
  operator(
    operator: string,
    overrides: TestOverrides = {},
    issuer: TestIdentity = this.issuing,
  ): Promise<TestIdentity> {
    const good = {
      serial: serialFrom(this.#random),
      subject: { commonName: operator, organization: 'Datapunk', country: 'US' },
      notBefore: this.at - 60 * 60 * 1000,
      notAfter: this.at + 90 * day,
      extensions: {
        subjectAltName: testExtension.subjectAltName({
          dnsNames: [],
          uris: [`spiffe://${this.trustDomain}/operator/${operator}`],
          ipAddresses: [],
        }),
        keyUsage: testExtension.keyUsage(['digitalSignature']),
        extendedKeyUsage: testExtension.extendedKeyUsage([oids.clientAuth]),
        basicConstraints: testExtension.basicConstraints(false),
      },
    }
    return makeCertificate(good, { algorithm: this.#algorithm, ...overrides }, issuer)
  }

  /** A good certificate of a key that signs OCSP responses, but for the overrides. */
  ocspSigner(overrides: TestOverrides = {}, issuer: TestIdentity = this.issuing): Promise<TestIdentity> {
    const ocspSigner = {
      serial: serialFrom(this.#random),
      subject: { commonName: `${this.trustDomain} OCSP signer`, organization: 'Datapunk', country: 'US' },
      notBefore: this.at - 60 * 60 * 1000,
      notAfter: this.at + 7 * day,
      extensions: {
        keyUsage: testExtension.keyUsage(['digitalSignature']),
        extendedKeyUsage: testExtension.extendedKeyUsage([oids.ocspSigning]),
        basicConstraints: testExtension.basicConstraints(false),
        ocspNoCheck: testExtension.raw(oids.ocspNoCheck, Uint8Array.of(5, 0)),
      },
    }
    return makeCertificate(ocspSigner, { algorithm: this.#algorithm, ...overrides }, issuer)
  }

  /** Another CA below `issuer` (the root unless told), without name constraints and without a path length. */
  intermediate(
    name: string,
    overrides: TestOverrides = {},
    issuer: TestIdentity = this.root,
  ): Promise<TestIdentity> {
    const intermediate = {
      serial: serialFrom(this.#random),
      subject: { commonName: name },
      notBefore: this.at - day,
      notAfter: this.at + 1095 * day,
      extensions: {
        basicConstraints: testExtension.basicConstraints(true),
        keyUsage: testExtension.keyUsage(['keyCertSign', 'cRLSign']),
      },
    }
    return makeCertificate(intermediate, { algorithm: this.#algorithm, ...overrides }, issuer)
  }

  /** PEM of a leaf and the issuing CA, as a service presents it. */
  chainPem(leaf: TestIdentity): string {
    return leaf.pem + this.issuing.pem
  }
}

interface GoodFields {
  readonly serial: Uint8Array
  readonly subject: NameParts
  readonly notBefore: number
  readonly notAfter: number
  readonly extensions: TestExtensions
}

async function makeCertificate(
  good: GoodFields,
  { algorithm = 'ecdsa-p256', keyPair, ...overrides }: TestOverrides,
  issuer: TestIdentity | undefined,
): Promise<TestIdentity> {
  const { privateKey } = keyPair ?? (await generateKeyPair(algorithm))
  const spki = spkiOf(privateKey)
  const signer = issuer?.signer ?? localSigner(privateKey)
  const der = await signTestCertificate(
    {
      version: 3,
      signatureIdentifier: signatureIdentifierOf(signer),
      issuer: issuer?.certificate.subject.der ?? overrides.subject ?? good.subject,
      spki,
      ...good,
      ...overrides,
      extensions: {
        ...(issuer && {
          authorityKeyIdentifier: testExtension.authorityKeyIdentifier(issuer.certificate.spki),
        }),
        subjectKeyIdentifier: testExtension.subjectKeyIdentifier(overrides.spki ?? spki),
        ...good.extensions,
        ...overrides.extensions,
      },
    },
    signer,
  )
  return testIdentity(der, privateKey)
}

/** 16 octets, the first between 01 and 7F, so that they are the INTEGER's content as they are. */
function serialFrom(random: (length: number) => Uint8Array): Uint8Array {
  const serial = random(16)
  serial[0] = ((serial[0] as number) & 0x7f) | 0x01
  return serial
}
