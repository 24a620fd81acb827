import { generateKeyPair as generate } from 'node:crypto'
import { promisify } from 'node:util'
import { encodeDer, encodeName, generateKeyPair, oids, tag } from '@datapunk/pki'
import { TestCa, type TestOverrides } from './test-ca.ts'
import { type TestExtensions, type TestIdentity, testIdentity } from './test-certificate.ts'
import { testExtension } from './test-extensions.ts'

const hour = 60 * 60 * 1000

/** A certificate with one fault. */
export interface BadCertificate {
  /** What is wrong, as a test would say it. */
  readonly fault: string
  /**
   * The `PkiErrorCode` with which `parseCertificate`, or `verifyPath` for the service's DNS name, refuses it;
   * undefined where both accept it and refusing is the mesh's own business.
   */
  readonly code: string | undefined
  /**
   * Makes the certificate of `service` with this fault, to be presented with the CA's issuing certificate.
   */
  make(ca: TestCa, service: string): Promise<TestIdentity>
}

/** Leaves that look like those of a service, but for one fault each. A peer refuses every one of them. */
export const badCertificates = {
  // names
  noName: fault('NAME_MISSING', 'no name at all', () => ({
    subject: { organization: 'Datapunk', country: 'US' },
    extensions: { subjectAltName: null },
  })),
  commonNameOnly: extensionFault('NAME_MISSING', 'its name only as common name', () => ({
    subjectAltName: null,
  })),
  commonNameAndUriOnly: extensionFault(
    'NAME_MISMATCH',
    'its DNS name only as common name',
    (ca, service) => ({
      subjectAltName: testExtension.subjectAltName({ uris: [`spiffe://${ca.trustDomain}/${service}`] }),
    }),
  ),
  wrongName: extensionFault('NAME_MISMATCH', 'the names of another service', (ca) => ({
    subjectAltName: testExtension.subjectAltName({
      dnsNames: [`other.${ca.trustDomain}`],
      uris: [`spiffe://${ca.trustDomain}/other`],
    }),
  })),
  otherTrustDomain: extensionFault(
    'NAME_CONSTRAINT_VIOLATED',
    'a SPIFFE ID of another trust domain',
    (ca, service) => ({
      subjectAltName: testExtension.subjectAltName({
        dnsNames: [`${service}.${ca.trustDomain}`],
        uris: [`spiffe://elsewhere.example/${service}`],
      }),
    }),
  ),
  otherDomain: extensionFault(
    'NAME_CONSTRAINT_VIOLATED',
    'one more DNS name, of another domain',
    (ca, service) => ({
      subjectAltName: testExtension.subjectAltName({
        dnsNames: [`${service}.${ca.trustDomain}`, `${service}.elsewhere.example`],
        uris: [`spiffe://${ca.trustDomain}/${service}`],
      }),
    }),
  ),
  otherAddress: extensionFault(
    'NAME_CONSTRAINT_VIOLATED',
    'an address that its CA may not issue',
    (ca, service) => ({
      subjectAltName: testExtension.subjectAltName({
        dnsNames: [`${service}.${ca.trustDomain}`],
        uris: [`spiffe://${ca.trustDomain}/${service}`],
        ipAddresses: ['192.0.2.1'],
      }),
    }),
  ),
  noUri: extensionFault(undefined, 'no SPIFFE ID', (ca, service) => ({
    subjectAltName: testExtension.subjectAltName({ dnsNames: [`${service}.${ca.trustDomain}`] }),
  })),
  twoUris: extensionFault(undefined, 'two SPIFFE IDs', (ca, service) => ({
    subjectAltName: testExtension.subjectAltName({
      dnsNames: [`${service}.${ca.trustDomain}`],
      uris: [`spiffe://${ca.trustDomain}/${service}`, `spiffe://${ca.trustDomain}/other`],
    }),
  })),
  wildcardName: extensionFault(undefined, 'a wildcard name', (ca, service) => ({
    subjectAltName: testExtension.subjectAltName({
      dnsNames: [`*.${ca.trustDomain}`],
      uris: [`spiffe://${ca.trustDomain}/${service}`],
    }),
  })),
  wrongOrganization: fault(undefined, 'another organization', (ca, service) => ({
    subject: { commonName: `${service}.${ca.trustDomain}`, organization: 'Elsewhere', country: 'US' },
  })),
  wrongCountry: fault(undefined, 'another country', (ca, service) => ({
    subject: { commonName: `${service}.${ca.trustDomain}`, organization: 'Datapunk', country: 'FR' },
  })),
  emptySubjectPlainNames: fault(
    'CERTIFICATE_UNFIT',
    'an empty subject, and names that are not critical',
    () => ({
      subject: {},
    }),
  ),
  emptyIssuer: fault('ISSUER_UNKNOWN', 'an empty issuer', () => ({ issuer: encodeName({}) })),

  // purposes
  noExtendedKeyUsage: extensionFault('EXTENDED_KEY_USAGE_MISSING', 'no extended key usage', () => ({
    extendedKeyUsage: null,
  })),
  anyExtendedKeyUsage: extensionFault('ANY_EXTENDED_KEY_USAGE', 'any extended key usage', () => ({
    extendedKeyUsage: testExtension.extendedKeyUsage([
      oids.serverAuth,
      oids.clientAuth,
      oids.anyExtendedKeyUsage,
    ]),
  })),
  otherExtendedKeyUsage: extensionFault(
    'EXTENDED_KEY_USAGE_NOT_ALLOWED',
    'an extended key usage for e-mail',
    () => ({
      extendedKeyUsage: testExtension.extendedKeyUsage(['1.3.6.1.5.5.7.3.4']),
    }),
  ),
  otherKeyUsage: extensionFault('KEY_USAGE_NOT_ALLOWED', 'a key usage without digital signatures', () => ({
    keyUsage: testExtension.keyUsage(['keyEncipherment']),
  })),
  caLeaf: extensionFault('LEAF_IS_CA', 'the power to be a CA', () => ({
    basicConstraints: testExtension.basicConstraints(true),
  })),
  signingLeaf: extensionFault('LEAF_IS_CA', 'a key usage that allows to sign certificates', () => ({
    keyUsage: testExtension.keyUsage(['digitalSignature', 'keyCertSign']),
  })),

  // dates
  expired: fault('CERTIFICATE_EXPIRED', 'a validity that ended an hour ago', (ca) => ({
    notBefore: ca.at - 2 * hour,
    notAfter: ca.at - hour,
  })),
  notYetValid: fault('CERTIFICATE_NOT_YET_VALID', 'a validity that begins in an hour', (ca) => ({
    notBefore: ca.at + hour,
  })),
  fractionalSeconds: fault('DER_INVALID', 'times with fractions of a second', () => ({
    validity: encodeDer((der) =>
      der.sequence(() => {
        der.ascii('20250101000000.5Z', tag.generalizedTime)
        der.ascii('20990101000000.5Z', tag.generalizedTime)
      }),
    ),
  })),

  // form
  version1: fault('CERTIFICATE_UNFIT', 'version 1, so no extensions', () => ({
    version: 1,
    extensions: without(
      'authorityKeyIdentifier',
      'subjectKeyIdentifier',
      'subjectAltName',
      'keyUsage',
      'extendedKeyUsage',
      'basicConstraints',
    ),
  })),
  negativeSerial: fault('CERTIFICATE_UNFIT', 'a negative serial number', () => ({
    serial: Uint8Array.of(0x80, 1),
  })),
  zeroSerial: fault('CERTIFICATE_UNFIT', 'a serial number of zero', () => ({ serial: Uint8Array.of(0) })),
  longSerial: fault('CERTIFICATE_UNFIT', 'a serial number of 21 octets', () => ({
    serial: new Uint8Array(21).fill(0x11),
  })),
  unknownCriticalExtension: extensionFault(
    'UNKNOWN_CRITICAL_EXTENSION',
    'a critical extension nobody knows',
    () => ({
      unknown: testExtension.raw('1.3.6.1.4.1.99999.1', Uint8Array.of(tag.null, 0), true),
    }),
  ),
  precertificate: extensionFault('UNKNOWN_CRITICAL_EXTENSION', 'the poison of a precertificate', () => ({
    poison: testExtension.poison(),
  })),
  policyConstraints: extensionFault('UNKNOWN_CRITICAL_EXTENSION', 'critical policy constraints', () => ({
    policyConstraints: testExtension.raw('2.5.29.36', Uint8Array.of(tag.sequence, 3, 0x80, 1, 0), true),
  })),
  repeatedExtension: extensionFault('EXTENSION_MALFORMED', 'two key usages', () => ({
    again: testExtension.keyUsage(['digitalSignature']),
  })),
  nameConstraintsInLeaf: extensionFault(
    'CERTIFICATE_UNFIT',
    'name constraints, which only a CA has',
    (ca) => ({
      nameConstraints: testExtension.nameConstraints({ domains: [ca.trustDomain] }),
    }),
  ),
  noAuthorityKeyIdentifier: extensionFault('CERTIFICATE_UNFIT', 'no authority key identifier', () => ({
    authorityKeyIdentifier: null,
  })),
  otherSignatureAlgorithmOutside: fault(
    'CERTIFICATE_MALFORMED',
    'another signature algorithm outside than inside',
    () => ({
      outerSignatureIdentifier: algorithm('1.2.840.10045.4.3.3'),
    }),
  ),

  // keys and signatures
  weakSignature: fault('SIGNATURE_ALGORITHM_UNSUPPORTED', 'a signature with SHA-1', () => ({
    signatureIdentifier: algorithm('1.2.840.10045.4.1'),
  })),
  weakKey: {
    fault: 'an RSA key of 1024 bits',
    code: 'KEY_WEAK',
    async make(ca, service) {
      const keyPair = await promisify(generate)('rsa', { modulusLength: 1024 })
      return ca.leaf(service, { keyPair })
    },
  },
  wrongSignature: {
    fault: 'a signature by another key than its CA',
    code: 'SIGNATURE_INVALID',
    async make(ca, service) {
      const { signer } = await ca.leaf('other')
      return ca.leaf(service, {}, { ...ca.issuing, certificate: ca.issuing.certificate, signer })
    },
  },
  selfSigned: {
    fault: 'no CA but itself',
    code: 'ISSUER_UNKNOWN',
    async make(ca, service) {
      const keyPair = await generateKeyPair('ecdsa-p256')
      const { certificate } = await ca.leaf(service, { keyPair })
      return ca.leaf(
        service,
        { keyPair },
        { ...testIdentity(certificate.der, keyPair.privateKey), certificate },
      )
    },
  },
  foreignCa: {
    fault: 'a CA of another mesh with the same names',
    code: 'AUTHORITY_KEY_MISMATCH',
    async make({ trustDomain, at }, service) {
      const foreign = await TestCa.create({ trustDomain, at, seed: 'foreign' })
      return foreign.leaf(service)
    },
  },
  leafAsIssuer: {
    fault: 'a leaf as its issuer',
    code: 'ISSUER_UNKNOWN',
    make: async (ca, service) => ca.leaf(service, {}, await ca.leaf('other')),
  },
} as const satisfies Record<string, BadCertificate>

export type Fault = keyof typeof badCertificates

type Code = string | undefined

function fault(
  code: Code,
  text: string,
  overrides: (ca: TestCa, service: string) => TestOverrides,
): BadCertificate {
  return { fault: text, code, make: (ca, service) => ca.leaf(service, overrides(ca, service)) }
}

function extensionFault(
  code: Code,
  text: string,
  extensions: (ca: TestCa, service: string) => TestExtensions,
): BadCertificate {
  return fault(code, text, (ca, service) => ({ extensions: extensions(ca, service) }))
}

function without(...names: readonly string[]): TestExtensions {
  return Object.fromEntries(names.map((name) => [name, null]))
}

function algorithm(oid: string): Uint8Array {
  return encodeDer((der) => der.sequence(() => der.oid(oid)))
}
