import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { TestCa } from '@datapunk/testkit'
import fc from 'fast-check'
import { parseTbsCertificate } from '../certificate.ts'
import type { GeneralName } from '../extensions/general-name.ts'
import { lint } from '../lint/lint.ts'
import { equalOctets } from '../octets.ts'
import { oids } from '../oids.ts'
import { crossCertificate } from './cross.ts'
import { issuingCaCertificate } from './issuing-ca.ts'
import { type LeafRequest, leafCertificate } from './leaf.ts'
import { ocspSignerCertificate } from './ocsp-signer.ts'
import { operatorCertificate } from './operator.ts'
import { rootCertificate } from './root.ts'
import { serialText } from './tbs-certificate.ts'

let ca: TestCa
before(async () => {
  ca = await TestCa.create()
})

function leafRequest(overrides: Partial<LeafRequest> = {}): LeafRequest {
  return {
    serial: new Uint8Array(16).fill(0x9a),
    issuer: ca.issuing.certificate,
    subject: { commonName: 'lake.service.datapunk', organization: 'Datapunk', country: 'US' },
    spki: ca.root.certificate.spki,
    notBefore: ca.at,
    notAfter: ca.at + 86_400_000,
    dnsNames: ['lake.service.datapunk'],
    uris: ['spiffe://service.datapunk/lake'],
    ipAddresses: [],
    ...overrides,
  }
}

describe('profiles', () => {
  it('a cross-certificate has the name and the key of the one root, and the other as its issuer', async () => {
    const other = await TestCa.create({ seed: 'other' })
    const [subject, issuer] = [other.root.certificate, ca.root.certificate]
    const serial = new Uint8Array(16).fill(0x5a)
    const times = { notBefore: ca.at, notAfter: ca.at + 86_400_000 }
    const tbs = crossCertificate({ serial, issuer, subject, ...times })
    lint({ tbs, profile: 'cross', issuer })
    const cross = parseTbsCertificate(tbs)
    assert.ok(equalOctets(cross.subject.der, subject.subject.der))
    assert.ok(equalOctets(cross.issuer.der, issuer.subject.der))
    assert.ok(equalOctets(cross.spki, subject.spki))
  })

  const label = fc.stringMatching(/^[a-z]{1,20}$/)
  const second = fc.integer({ min: 0, max: 4_000_000_000 })

  it('a leaf says what it was asked to say', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 16, maxLength: 16 }).filter((serial) => serial.some((octet) => octet > 0)),
        fc.array(label, { minLength: 1, maxLength: 5 }),
        fc.array(fc.ipV4(), { maxLength: 3 }),
        fc.tuple(second, second),
        (serial, labels, ipAddresses, times) => {
          const dnsNames = labels.map((each) => `${each}.service.datapunk`)
          const [notBefore, notAfter] = times.sort((a, b) => a - b).map((each) => each * 1000) as [
            number,
            number,
          ]
          const leaf = parseTbsCertificate(
            leafCertificate(leafRequest({ serial, dnsNames, ipAddresses, notBefore, notAfter })),
          )
          assert.equal(leaf.serial, serialText(serial))
          assert.equal(BigInt(`0x${leaf.serial}`), BigInt(`0x${Buffer.from(serial).toString('hex')}`))
          assert.ok(leaf.serialBytes.length <= 17)
          assert.deepEqual(leaf.extensions.subjectAltName?.dnsNames, dnsNames)
          assert.deepEqual(leaf.extensions.subjectAltName?.ipAddresses, ipAddresses)
          assert.deepEqual([leaf.notBefore, leaf.notAfter], [notBefore, notAfter])
          assert.ok(leaf.issuer.equals(ca.issuing.certificate.subject))
        },
      ),
    )
  })

  it('a leaf leaves out a common name over 64 characters', () => {
    const { subject, extensions } = parseTbsCertificate(
      leafCertificate(leafRequest({ subject: { commonName: 'x'.repeat(65), organization: 'Datapunk' } })),
    )
    assert.equal(subject.toString(), 'O=Datapunk')
    assert.equal(extensions.subjectAltName?.critical, false)
  })

  it('a leaf without a subject has critical names', () => {
    const { extensions } = parseTbsCertificate(leafCertificate(leafRequest({ subject: {} })))
    assert.equal(extensions.subjectAltName?.critical, true)
  })

  it('an issuing CA without addresses excludes them all', () => {
    const { extensions } = parseTbsCertificate(
      issuingCaCertificate({
        ...leafRequest(),
        issuer: ca.root.certificate,
        permittedDomains: ['service.datapunk'],
        permittedUriHosts: ['service.datapunk'],
        permittedIps: [],
      }),
    )
    assert.deepEqual(
      extensions.nameConstraints?.excluded.map(({ value }) => (value as Uint8Array).length),
      [8, 32],
    )
    assert.deepEqual([extensions.basicConstraints?.pathLength, extensions.extendedKeyUsage], [0, undefined])
  })

  it('an issuing CA may be left to issue any URI, where that is said', () => {
    const request = { ...leafRequest(), issuer: ca.root.certificate, permittedIps: [] }
    const permitted = (permittedUriHosts: 'any' | string[]) => {
      const tbs = issuingCaCertificate({ ...request, permittedDomains: ['a.b'], permittedUriHosts })
      lint({ tbs, profile: 'issuing-ca', issuer: ca.root.certificate })
      return parseTbsCertificate(tbs).extensions.nameConstraints?.permitted.map(({ form }) => form)
    }
    assert.deepEqual(permitted(['a.b']), ['dns', 'uri'])
    assert.deepEqual(permitted('any'), ['dns'])
    assert.throws(() => permitted([]), { code: 'PROFILE_INVALID' })
  })

  it('an issuing CA is never left without domains', () => {
    const request = {
      ...leafRequest(),
      issuer: ca.root.certificate,
      permittedUriHosts: ['a.b'],
      permittedIps: [],
    }
    assert.throws(() => issuingCaCertificate({ ...request, permittedDomains: [] }), {
      code: 'PROFILE_INVALID',
    })
  })

  const status = {
    crlDistributionPoint: 'http://crl.datapunk/leaves-1.crl',
    freshestCrl: 'http://crl.datapunk/leaves-1-delta.crl',
    ocspUrl: 'http://ocsp.datapunk/',
    caIssuersUrl: 'http://crl.datapunk/issuing.cer',
  }
  const textOf = (name: GeneralName | undefined) => name?.value?.toString()

  it('a leaf says where its status is to be learned, and that it must be stapled', () => {
    const tbs = leafCertificate(leafRequest({ ...status, mustStaple: true }))
    lint({ tbs, profile: 'leaf', issuer: ca.issuing.certificate })
    const { extensions } = parseTbsCertificate(tbs)
    const { crlDistributionPoints, freshestCrl, authorityInfoAccess, tlsFeature } = extensions
    assert.equal(textOf(crlDistributionPoints?.points[0]?.fullName[0]), status.crlDistributionPoint)
    assert.equal(textOf(freshestCrl?.points[0]?.fullName[0]), status.freshestCrl)
    assert.deepEqual(
      authorityInfoAccess?.descriptions.map(({ method, location }) => [method, textOf(location)]),
      [
        [oids.ocsp, status.ocspUrl],
        [oids.caIssuers, status.caIssuersUrl],
      ],
    )
    assert.deepEqual(tlsFeature, { features: [5], critical: false })
  })

  it('what is not said about the status is not there', () => {
    const plain = leafCertificate(leafRequest())
    const nothing = Object.fromEntries([...Object.keys(status), 'mustStaple'].map((key) => [key, undefined]))
    assert.deepEqual(leafCertificate(leafRequest({ ...nothing, mustStaple: false })), plain)
    assert.deepEqual(
      parseTbsCertificate(plain).extensions.all.map(({ oid }) => oid),
      [
        oids.subjectAltName,
        oids.keyUsage,
        oids.extendedKeyUsage,
        oids.basicConstraints,
        oids.authorityKeyIdentifier,
        oids.subjectKeyIdentifier,
      ],
    )
    const { extensions } = parseTbsCertificate(
      leafCertificate(leafRequest({ caIssuersUrl: status.caIssuersUrl })),
    )
    assert.equal(extensions.authorityInfoAccess?.descriptions.length, 1)
    assert.equal(extensions.all.length, 7)
  })

  it('authorities say where their own status is to be learned', async () => {
    const issuer = ca.root.certificate
    const request = { ...leafRequest(status), issuer }
    const permitted = { permittedDomains: ['a.b'], permittedUriHosts: ['a.b'], permittedIps: [] }
    const cross = { ...request, subject: (await TestCa.create({ seed: 'other' })).root.certificate }
    for (const [profile, tbs] of [
      ['issuing-ca', issuingCaCertificate({ ...request, ...permitted })],
      ['cross', crossCertificate(cross)],
    ] as const) {
      lint({ tbs, profile, issuer })
      const { extensions } = parseTbsCertificate(tbs)
      assert.equal(
        textOf(extensions.crlDistributionPoints?.points[0]?.fullName[0]),
        status.crlDistributionPoint,
      )
      assert.equal(textOf(extensions.authorityInfoAccess?.descriptions[0]?.location), status.caIssuersUrl)
    }
  })

  it('an OCSP signer signs OCSP responses only, and is not asked about', () => {
    const issuer = ca.issuing.certificate
    const tbs = ocspSignerCertificate({ ...leafRequest(), subject: { commonName: 'Datapunk OCSP 1' } })
    lint({ tbs, profile: 'ocsp-signer', issuer })
    const { extensions } = parseTbsCertificate(tbs)
    assert.deepEqual(extensions.extendedKeyUsage?.purposes, [oids.ocspSigning])
    assert.deepEqual(extensions.ocspNoCheck, { critical: false })
    assert.equal(extensions.all.length, 6)
  })

  it('an operator is a client of one SPIFFE ID, who can be asked about and is called nowhere', () => {
    const issuer = ca.issuing.certificate
    const request = leafRequest({ ...status, mustStaple: false })
    const subject = { commonName: 'alice', organization: 'Datapunk', country: 'US' }
    const uris = ['spiffe://service.datapunk/operator/alice']
    const tbs = operatorCertificate({ ...request, subject, uris })
    lint({ tbs, profile: 'operator', issuer })
    const { extensions } = parseTbsCertificate(tbs)
    assert.deepEqual(extensions.extendedKeyUsage?.purposes, [oids.clientAuth])
    assert.deepEqual(
      extensions.subjectAltName?.names.map(({ form }) => form),
      ['uri'],
    )
    assert.equal(
      textOf(extensions.crlDistributionPoints?.points[0]?.fullName[0]),
      status.crlDistributionPoint,
    )
    assert.throws(() => lint({ tbs, profile: 'leaf', issuer }), { code: 'LINT_FAILED' })
  })

  it('a root is its own issuer', () => {
    const root = parseTbsCertificate(rootCertificate(leafRequest()))
    assert.ok(equalOctets(root.issuer.der, root.subject.der))
    assert.equal(root.extensions.all.length, 3)
  })

  it('serials that are zero or too long, and times out of order, are refused', () => {
    for (const overrides of [
      { serial: new Uint8Array(16) },
      { serial: new Uint8Array(0) },
      { serial: new Uint8Array(20).fill(0x80) },
      { notAfter: ca.at - 1000 },
      { notBefore: Date.UTC(1949, 0, 1) },
      { notAfter: Date.UTC(10_000, 0, 1) },
      { notAfter: Number.NaN },
    ]) {
      assert.throws(() => leafCertificate(leafRequest(overrides)), { code: 'PROFILE_INVALID' })
    }
    leafCertificate(leafRequest({ serial: new Uint8Array(20).fill(0x7f) }))
  })
})
