import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { TestCa, type TestIdentity, type TestOverrides, testExtension } from '@datapunk/testkit'
import { encodeDer } from '../der/writer.ts'
import { writeAuthorityInfoAccess } from '../extensions/authority-info-access.ts'
import { writeCrlDistributionPoint } from '../extensions/crl-distribution-points.ts'
import { encodeExtension } from '../extensions/extensions.ts'
import type { AltNames } from '../extensions/subject-alt-name.ts'
import { keyAlgorithms } from '../keys/key-algorithm.ts'
import type { Signer } from '../keys/signer.ts'
import { encodeName } from '../name.ts'
import { oids } from '../oids.ts'
import type { Profile } from '../profiles/profile.ts'
import { signCertificate } from '../signing/sign-certificate.ts'
import { lint } from './lint.ts'
import { lintRules } from './rules.ts'

let ca: TestCa
before(async () => {
  ca = await TestCa.create()
})

/**
 * For each rule a certificate that breaks it: the profile it is linted as, and what is different from a good
 * one.
 */
const broken: Readonly<Record<string, readonly [Profile, (ca: TestCa) => TestOverrides]>> = {
  'authority-key-identifier-is-plain': [
    'leaf',
    () => ({
      extensions: {
        authorityKeyIdentifier: testExtension.authorityKeyIdentifier(ca.issuing.certificate.spki, true),
      },
    }),
  ],
  'authority-key-identifier-is-present': ['leaf', () => ({ extensions: { authorityKeyIdentifier: null } })],
  'authority-key-identifier-is-the-issuers': [
    'leaf',
    () => ({
      extensions: { authorityKeyIdentifier: testExtension.authorityKeyIdentifier(ca.root.certificate.spki) },
    }),
  ],
  'authority-info-access-is-http': [
    'leaf',
    () => ({ extensions: { authorityInfoAccess: access([[oids.ocsp, 'https://ocsp.datapunk/']]) } }),
  ],
  'basic-constraints-make-a-ca': ['root', () => ({ extensions: { basicConstraints: null } })],
  'basic-constraints-of-a-ca-are-critical': [
    'issuing-ca',
    () => ({ extensions: { basicConstraints: testExtension.basicConstraints(true, 0, false) } }),
  ],
  'basic-constraints-of-a-leaf': [
    'leaf',
    () => ({ extensions: { basicConstraints: testExtension.basicConstraints(true) } }),
  ],
  'ca-has-a-subject': ['root', () => ({ subject: {} })],
  'common-name-is-an-alt-name': ['leaf', () => ({ subject: { commonName: 'nexus.service.datapunk' } })],
  'country-is-two-letters': ['leaf', () => ({ subject: countryName('usa') })],
  'crl-distribution-points-are-one-http-uri': [
    'leaf',
    () => ({
      extensions: {
        crlDistributionPoints: distributionPoint(oids.crlDistributionPoints, 'ldap://crl.datapunk/1.crl'),
      },
    }),
  ],
  'extended-key-usage-is-not-critical': [
    'leaf',
    () => ({
      extensions: {
        extendedKeyUsage: testExtension.extendedKeyUsage([oids.serverAuth, oids.clientAuth], true),
      },
    }),
  ],
  'extended-key-usage-not-in-a-root': [
    'root',
    () => ({ extensions: { extendedKeyUsage: testExtension.extendedKeyUsage([oids.serverAuth]) } }),
  ],
  'extended-key-usage-of-a-leaf': [
    'leaf',
    () => ({ extensions: { extendedKeyUsage: testExtension.extendedKeyUsage([oids.serverAuth]) } }),
  ],
  'extended-key-usage-of-an-ocsp-signer': [
    'ocsp-signer',
    () => ({
      extensions: {
        extendedKeyUsage: testExtension.extendedKeyUsage([oids.ocspSigning, oids.serverAuth]),
      },
    }),
  ],
  'extended-key-usage-of-an-operator': [
    'operator',
    () => ({
      extensions: {
        extendedKeyUsage: testExtension.extendedKeyUsage([oids.serverAuth, oids.clientAuth]),
      },
    }),
  ],
  'extensions-are-of-the-profile': [
    'leaf',
    () => ({ extensions: { unknown: testExtension.raw('1.2.3', Uint8Array.of(5, 0)) } }),
  ],
  'issuer-has-a-name': ['leaf', () => ({ issuer: encodeName({}) })],
  'issuer-is-the-issuers-subject': ['leaf', () => ({ issuer: encodeName({ commonName: 'another' }) })],
  'issuing-ca-has-a-path-length': [
    'issuing-ca',
    () => ({ extensions: { basicConstraints: testExtension.basicConstraints(true) } }),
  ],
  'key-is-allowed': ['leaf', () => ({ spki: p256('1.3.132.0.10', new Uint8Array(65).fill(4)) })],
  'key-is-usable': [
    'leaf',
    () => ({ spki: p256(oids.p256, Uint8Array.of(4, ...new Uint8Array(64).fill(1))) }),
  ],
  'key-usage-allows-issuing': [
    'issuing-ca',
    () => ({ extensions: { keyUsage: testExtension.keyUsage(['cRLSign']) } }),
  ],
  'key-usage-is-critical': [
    'leaf',
    () => ({ extensions: { keyUsage: testExtension.keyUsage(['digitalSignature'], false) } }),
  ],
  'key-usage-of-a-ca': [
    'root',
    () => ({ extensions: { keyUsage: testExtension.keyUsage(['keyCertSign']) } }),
  ],
  'key-usage-of-a-leaf': [
    'leaf',
    () => ({ extensions: { keyUsage: testExtension.keyUsage(['digitalSignature', 'keyEncipherment']) } }),
  ],
  'name-constraints-are-critical': [
    'issuing-ca',
    () => ({
      extensions: { nameConstraints: testExtension.nameConstraints({ domains: ['a.b'] }, {}, false) },
    }),
  ],
  'name-constraints-are-well-formed': [
    'issuing-ca',
    () => ({ extensions: { nameConstraints: testExtension.nameConstraints({ domains: ['.a.b'] }) } }),
  ],
  'name-constraints-of-an-issuing-ca': [
    'issuing-ca',
    () => ({
      extensions: { nameConstraints: testExtension.nameConstraints({ domains: ['a.b'], uriHosts: ['a.b'] }) },
    }),
  ],
  'name-constraints-only-in-a-ca': [
    'leaf',
    () => ({ extensions: { nameConstraints: testExtension.nameConstraints({ domains: ['a.b'] }) } }),
  ],
  'names-are-within-the-issuers-constraints': [
    'leaf',
    () => ({ extensions: { subjectAltName: names(['lake.elsewhere']) } }),
  ],
  'names-of-an-operator': ['operator', () => ({ subject: { commonName: 'bob' } })],
  'ocsp-no-check-of-an-ocsp-signer': ['ocsp-signer', () => ({ extensions: { ocspNoCheck: null } })],
  'path-length-only-with-ca': [
    'leaf',
    () => ({ extensions: { basicConstraints: testExtension.basicConstraints(false, 0) } }),
  ],
  'serial-fits-20-octets': ['leaf', () => ({ serial: new Uint8Array(21).fill(1) })],
  'serial-is-positive': ['leaf', () => ({ serial: new Uint8Array(16).fill(0x81) })],
  'serial-is-unpredictable': ['leaf', () => ({ serial: Uint8Array.of(1) })],
  'signature-algorithm-is-allowed': [
    'leaf',
    () => ({ signatureIdentifier: encodeDer((der) => der.sequence(() => der.oid('1.2.3'))) }),
  ],
  'signature-algorithm-is-the-issuers': [
    'leaf',
    () => ({ signatureIdentifier: keyAlgorithms.ed25519.signatureIdentifier }),
  ],
  'subject-alt-name-critical-without-subject': ['leaf', () => ({ subject: {} })],
  'subject-alt-name-is-well-formed': [
    'leaf',
    () => ({ extensions: { subjectAltName: names(['under_score.service.datapunk']) } }),
  ],
  'subject-alt-name-of-a-leaf': [
    'leaf',
    () => ({ extensions: { subjectAltName: names(['*.service.datapunk']) } }),
  ],
  'subject-key-identifier-is-not-critical': [
    'leaf',
    () => ({
      extensions: {
        subjectKeyIdentifier: testExtension.subjectKeyIdentifier(ca.root.certificate.spki, true),
      },
    }),
  ],
  'subject-key-identifier-is-present': ['leaf', () => ({ extensions: { subjectKeyIdentifier: null } })],
  'subject-of-an-ocsp-signer': ['ocsp-signer', () => ({ subject: { commonName: 'ocsp.service.datapunk' } })],
  'tls-feature-is-status-request': [
    'leaf',
    () => ({ extensions: { tlsFeature: testExtension.raw(oids.tlsFeature, hex('3006 020105 020111')) } }),
  ],
  'validity-ends-with-the-issuers': ['leaf', () => ({ notAfter: ca.root.certificate.notAfter })],
  'validity-is-in-order': ['leaf', () => ({ notAfter: ca.at - 24 * 60 * 60 * 1000 })],
  'version-is-3': ['leaf', () => ({ version: 1, extensions: withoutAny })],
}

/** More ways to break rules that say several things. */
const alsoBroken: readonly (readonly [string, string, () => TestOverrides['extensions'] & object])[] = [
  [
    'authority-info-access-is-http',
    'a responder named twice',
    () => ({
      access: access([
        [oids.ocsp, 'http://a.b/'],
        [oids.ocsp, 'http://c.d/'],
      ]),
    }),
  ],
  [
    'authority-info-access-is-http',
    'another method',
    () => ({ access: access([['1.3.6.1.5.5.7.48.3', 'http://a.b/']]) }),
  ],
  [
    'authority-info-access-is-http',
    'being critical',
    () => ({ access: access([[oids.ocsp, 'http://a.b/']], { critical: true }) }),
  ],
  [
    'crl-distribution-points-are-one-http-uri',
    'two points',
    () => ({ points: testExtension.raw(oids.crlDistributionPoints, hex(`3020 ${point} ${point}`)) }),
  ],
  [
    'crl-distribution-points-are-one-http-uri',
    'being critical',
    () => ({ points: testExtension.raw(oids.crlDistributionPoints, hex(`3010 ${point}`), true) }),
  ],
  [
    'crl-distribution-points-are-one-http-uri',
    'a freshest CRL that is not to be fetched by http',
    () => ({ freshest: distributionPoint(oids.freshestCrl, 'https://crl.datapunk/1.crl') }),
  ],
  [
    'authority-key-identifier-is-plain',
    'no identifier in it',
    () => ({ authorityKeyIdentifier: testExtension.raw(oids.authorityKeyIdentifier, hex('3000')) }),
  ],
  [
    'tls-feature-is-status-request',
    'being critical',
    () => ({ feature: testExtension.raw(oids.tlsFeature, hex('3003 020105'), true) }),
  ],
  [
    'tls-feature-is-status-request',
    'no feature',
    () => ({ feature: testExtension.raw(oids.tlsFeature, hex('3000')) }),
  ],
]

const lake = 'lake.service.datapunk'
const domain = 'spiffe://service.datapunk'

/** What is found of rules that say several things of the names of a certificate. */
const foundOfNames: readonly (readonly [Profile, RegExp, () => TestOverrides])[] = [
  ['leaf', /it has 0 URIs/, () => altNames({ dnsNames: [lake], uris: [] })],
  ['leaf', /it has 2 URIs/, () => altNames({ dnsNames: [lake], uris: [`${domain}/lake`, `${domain}/a`] })],
  ['leaf', /not the SPIFFE ID of a service/, () => altNames({ dnsNames: [lake], uris: [domain] })],
  ['leaf', /it has no DNS name/, () => altNames({ dnsNames: [], uris: [`${domain}/lake`] })],
  [
    'leaf',
    /it has a subject, and yet its alternative names are critical/,
    () => altNames({ dnsNames: [lake], uris: [`${domain}/lake`] }, true),
  ],
  [
    'operator',
    /is not the SPIFFE ID of an operator/,
    () => ({ ...altNames({ dnsNames: [], uris: [`${domain}/lake`] }), subject: {} }),
  ],
  ['ocsp-signer', /its subject has no common name/, () => ({ subject: { organization: 'Datapunk' } })],
  [
    'issuing-ca',
    /it may issue every DNS name/,
    () => ({
      extensions: {
        nameConstraints: testExtension.nameConstraints({ uriHosts: ['a.b'], ipRanges: ['10.0.0.0/8'] }),
      },
    }),
  ],
]

function altNames(names: AltNames, critical = false): TestOverrides {
  return { extensions: { subjectAltName: testExtension.subjectAltName(names, critical) } }
}

/** A distribution point at `http://a`. */
const point = '300e a00c a00a 8608 687474703a2f2f61'

const withoutAny = Object.fromEntries(
  [
    'authorityKeyIdentifier',
    'subjectKeyIdentifier',
    'subjectAltName',
    'keyUsage',
    'extendedKeyUsage',
    'basicConstraints',
  ].map((name) => [name, null]),
)

describe('lint', () => {
  it('passes good certificates of every profile', async () => {
    lintIdentity(ca.root, 'root', ca.root)
    lintIdentity(ca.issuing, 'issuing-ca', ca.root)
    lintIdentity(await ca.leaf('lake'), 'leaf', ca.issuing)
    lintIdentity(await ca.operator('alice'), 'operator', ca.issuing)
    lintIdentity(await ca.ocspSigner(), 'ocsp-signer', ca.issuing)
  })

  it('passes an operator by one SPIFFE ID of an operator, and by no other name', async () => {
    const id = 'spiffe://service.datapunk/operator/alice'
    for (const names of [
      { dnsNames: ['alice.service.datapunk'], uris: [id] },
      { dnsNames: [], uris: [id, `${id}-2`] },
      { dnsNames: [], uris: [id], ipAddresses: ['127.0.0.1'] },
      { dnsNames: [], uris: ['spiffe://service.datapunk/alice'] },
      { dnsNames: [], uris: ['spiffe://service.datapunk/operator'] },
      { dnsNames: [], uris: [`${id}/more`] },
      { dnsNames: [], uris: ['spiffe://service.datapunk/operator/alice.b'] },
      { dnsNames: [], uris: ['https://service.datapunk/operator/alice'] },
    ]) {
      const bad = await ca.operator('alice', {
        extensions: { subjectAltName: testExtension.subjectAltName(names) },
      })
      assert.throws(() => lintIdentity(bad, 'operator', ca.issuing), {
        code: 'LINT_FAILED',
        message: /names-of-an-operator/,
      })
    }
  })

  it('has a broken certificate for each of its rules', () => {
    assert.deepEqual(Object.keys(broken).sort(), lintRules.map(({ name }) => name).sort())
  })

  for (const rule of lintRules) {
    it(`finds what breaks ${rule.name}`, async () => {
      const [profile, overrides] = broken[rule.name] ?? assert.fail()
      const [identity, issuer] = await makeBroken(profile, overrides(ca))
      assert.throws(
        () => lintIdentity(identity, profile, issuer),
        (error: { code?: string; data?: { findings?: { rule: string; source: string }[] } }) =>
          error.code === 'LINT_FAILED' &&
          error.data?.findings?.some(
            (finding) => finding.rule === rule.name && finding.source === rule.source,
          ) === true,
      )
    })
  }

  for (const [rule, why, extensions] of alsoBroken) {
    it(`finds that ${rule} is broken by ${why}`, async () => {
      const leaf = await ca.leaf('lake', { extensions: extensions() })
      assert.throws(
        () => lintIdentity(leaf, 'leaf', ca.issuing),
        (error: { data?: { findings?: { rule: string }[] } }) =>
          error.data?.findings?.map((finding) => finding.rule).join() === rule,
      )
    })
  }

  for (const [profile, message, overrides] of foundOfNames) {
    it(`finds in a certificate for ${profile}: ${message.source}`, async () => {
      const [identity, issuer] = await makeBroken(profile, overrides())
      assert.throws(() => lintIdentity(identity, profile, issuer), { code: 'LINT_FAILED', message })
    })
  }

  it('finds no leaf in an OCSP signer, and no OCSP signer in a leaf', async () => {
    const [signer, leaf] = [await ca.ocspSigner(), await ca.leaf('lake')]
    assert.throws(() => lintIdentity(signer, 'leaf', ca.issuing), { code: 'LINT_FAILED' })
    assert.throws(() => lintIdentity(leaf, 'ocsp-signer', ca.issuing), { code: 'LINT_FAILED' })
  })

  it('needs the issuer of what is not a root', () => {
    assert.throws(() => lint({ tbs: ca.issuing.certificate.tbs, profile: 'issuing-ca' }), TypeError)
  })
})

describe('signing what was linted', () => {
  const token = async (): Promise<ReturnType<typeof lint>> =>
    lint({ tbs: (await ca.leaf('lake')).certificate.tbs, profile: 'leaf', issuer: ca.issuing.certificate })

  it('signs it as it is, once', async () => {
    const { certificate } = await ca.leaf('lake')
    const linted = lint({ tbs: certificate.tbs, profile: 'leaf', issuer: ca.issuing.certificate })
    const der = await signCertificate(linted, ca.issuing.signer)
    assert.ok(Buffer.from(der).includes(certificate.tbs))
    await assert.rejects(signCertificate(linted, ca.issuing.signer), { code: 'TOKEN_REDEEMED' })
  })

  it('is not moved by octets changed after the lint', async () => {
    const tbs = new Uint8Array((await ca.leaf('lake')).certificate.tbs)
    const kept = new Uint8Array(tbs)
    const linted = lint({ tbs, profile: 'leaf', issuer: ca.issuing.certificate })
    tbs.set(Buffer.from('nexu'), Buffer.from(tbs).indexOf('lake.service'))
    assert.ok(Buffer.from(await signCertificate(linted, ca.issuing.signer)).includes(kept))
  })

  it('refuses the key of another issuer', async () => {
    await assert.rejects(signCertificate(await token(), ca.root.signer), { code: 'SIGNER_MISMATCH' })
  })

  it('refuses a signature that is wrong', async () => {
    const faulty: Signer = { ...ca.issuing.signer, sign: async (message) => ca.root.signer.sign(message) }
    await assert.rejects(signCertificate(await token(), faulty), { code: 'SIGNATURE_INVALID' })
  })

  it('refuses a token that lint did not make', async () => {
    const Forged = (await token()).constructor as new (
      by: symbol,
      linted: object,
    ) => Awaited<ReturnType<typeof token>>
    const lookalike = Object.create(Forged.prototype) as Awaited<ReturnType<typeof token>>
    await assert.rejects(signCertificate(lookalike, ca.issuing.signer), TypeError)
    const given = {
      certificate: ca.issuing.certificate,
      profile: 'leaf',
      issuerSpki: ca.issuing.certificate.spki,
    }
    assert.throws(() => new Forged(Symbol('lint'), given), TypeError)
  })
})

function lintIdentity(identity: TestIdentity, profile: Profile, issuer: TestIdentity): void {
  lint({ tbs: identity.certificate.tbs, profile, issuer: issuer.certificate })
}

async function makeBroken(profile: Profile, overrides: TestOverrides): Promise<[TestIdentity, TestIdentity]> {
  if (profile === 'leaf') return [await ca.leaf('lake', overrides), ca.issuing]
  if (profile === 'operator') return [await ca.operator('alice', overrides), ca.issuing]
  if (profile === 'ocsp-signer') return [await ca.ocspSigner(overrides), ca.issuing]
  const other = await TestCa.create(profile === 'root' ? { root: overrides } : { issuing: overrides })
  return profile === 'root' ? [other.root, other.root] : [other.issuing, other.root]
}

function names(dnsNames: readonly string[]): Uint8Array {
  return testExtension.subjectAltName({ dnsNames, uris: ['spiffe://service.datapunk/lake'] })
}

function access(
  descriptions: readonly (readonly [method: string, uri: string])[],
  { critical = false } = {},
): Uint8Array {
  return encodeExtension(oids.authorityInfoAccess, critical, (der) =>
    writeAuthorityInfoAccess(der, descriptions),
  )
}

function distributionPoint(oid: string, uri: string): Uint8Array {
  return encodeExtension(oid, false, (der) => writeCrlDistributionPoint(der, uri))
}

function hex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'))
}

function countryName(country: string): Uint8Array {
  return encodeDer((der) =>
    der.sequence(() =>
      der.set(() =>
        der.sequence(() => {
          der.oid(oids.countryName)
          der.utf8(country)
        }),
      ),
    ),
  )
}

function p256(curve: string, point: Uint8Array): Uint8Array {
  return encodeDer((der) =>
    der.sequence(() => {
      der.sequence(() => {
        der.oid(oids.ecPublicKey)
        der.oid(curve)
      })
      der.octetsInBitString(point)
    }),
  )
}
