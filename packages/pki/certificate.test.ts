import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { before, describe, it } from 'node:test'
import { badCertificates, TestCa, testExtension } from '@datapunk/testkit'
import { parseCertificate, parseTbsCertificate, tbsHash } from './certificate.ts'
import { hexText } from './octets.ts'

describe('certificates', () => {
  let ca: TestCa
  before(async () => {
    ca = await TestCa.create()
  })

  it("say what Node's own parser reads in them", async () => {
    const { certificate, der } = await ca.leaf('lake')
    const node = new X509Certificate(der)
    assert.equal(certificate.serial.toUpperCase(), node.serialNumber)
    assert.equal(certificate.notBefore, node.validFromDate.getTime())
    assert.equal(certificate.notAfter, node.validToDate.getTime())
    assert.equal(certificate.subject.toString(), node.subject.split('\n').toReversed().join(','))
    assert.equal(certificate.issuer.toString(), node.issuer.split('\n').toReversed().join(','))
    assert.deepEqual(certificate.extensions.extendedKeyUsage?.purposes, node.keyUsage)
    assert.deepEqual(certificate.spki, new Uint8Array(node.publicKey.export({ type: 'spki', format: 'der' })))
    const { dnsNames, uris } = certificate.extensions.subjectAltName ?? assert.fail()
    assert.equal(
      node.subjectAltName,
      `DNS:${dnsNames.join()}, URI:${uris.join()}, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1`,
    )
  })

  it('keep the octets that were signed, in a copy of their own', async () => {
    const { der } = await ca.leaf('lake')
    const given = new Uint8Array(der)
    const certificate = parseCertificate(given)
    given.fill(0)
    assert.deepEqual(certificate.der, der)
    assert.ok(hexText(der).includes(hexText(certificate.tbs)))
    assert.deepEqual(parseTbsCertificate(certificate.tbs).serial, certificate.serial)
    assert.equal(tbsHash(certificate.tbs).length, 32)
  })

  it('of versions 1 and 2 can be read', async () => {
    const { certificate } = await badCertificates.version1.make(ca, 'lake')
    assert.deepEqual([certificate.version, certificate.extensions.all.length], [1, 0])
  })

  it('with a key of no kind we use can be read, and say so', async () => {
    const { certificate } = await badCertificates.weakKey.make(ca, 'lake')
    assert.equal(certificate.keyAlgorithm, undefined)
  })

  for (const fault of ['fractionalSeconds', 'otherSignatureAlgorithmOutside', 'repeatedExtension'] as const) {
    it(`with ${badCertificates[fault].fault} cannot be read`, async () => {
      const { der } = await badCertificates[fault].make(ca, 'lake')
      assert.throws(() => parseCertificate(der), { code: badCertificates[fault].code })
    })
  }

  it('with octets after the end, or cut off, cannot be read', async () => {
    const { der } = await ca.leaf('lake')
    assert.throws(() => parseCertificate(Uint8Array.of(...der, 0)), { code: 'DER_INVALID' })
    assert.throws(() => parseCertificate(der.subarray(0, -1)), { code: 'DER_INVALID' })
  })

  it('with extensions in version 2 cannot be read', async () => {
    const identity = await ca.leaf('lake', {
      version: 2,
      extensions: { keyUsage: testExtension.keyUsage(['digitalSignature']) },
    })
    assert.throws(() => parseCertificate(identity.der), { code: 'CERTIFICATE_MALFORMED' })
  })
})
