import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { describe, it } from 'node:test'
import { type KeyAlgorithm, lint, verifyPath } from '@datapunk/pki'
import { TestCa } from './test-ca.ts'
import { testExtension } from './test-extensions.ts'

describe('TestCa', () => {
  for (const algorithm of [
    'rsa',
    'ecdsa-p256',
    'ecdsa-p384',
    'ed25519',
    'ml-dsa-65',
  ] satisfies KeyAlgorithm[]) {
    it(`makes certificates of ${algorithm} that pass as our own`, async () => {
      const ca = await TestCa.create({ algorithm })
      const leaf = await ca.leaf('lake')
      lint({ tbs: ca.root.certificate.tbs, profile: 'root' })
      lint({ tbs: ca.issuing.certificate.tbs, profile: 'issuing-ca', issuer: ca.root.certificate })
      lint({ tbs: leaf.certificate.tbs, profile: 'leaf', issuer: ca.issuing.certificate })
      verifyPath({
        leaf: leaf.certificate,
        intermediates: [ca.issuing.certificate],
        roots: [ca.root.certificate],
        at: ca.at,
        name: { dns: 'lake.service.datapunk' },
        usage: 'clientAuth',
      })
      assert.ok(new X509Certificate(leaf.pem).checkPrivateKey(leaf.privateKey))
    })
  }

  it('lets any field and any extension differ, and keeps the rest', async () => {
    const ca = await TestCa.create({ trustDomain: 'a.example' })
    const { certificate } = await ca.leaf('lake', {
      subject: { commonName: 'else' },
      notAfter: ca.at + 5000,
      extensions: { keyUsage: testExtension.keyUsage(['cRLSign']), extendedKeyUsage: null },
    })
    assert.equal(certificate.subject.toString(), 'CN=else')
    assert.equal(certificate.notAfter, ca.at + 5000)
    assert.deepEqual([...(certificate.extensions.keyUsage?.usages ?? [])], ['cRLSign'])
    assert.equal(certificate.extensions.extendedKeyUsage, undefined)
    assert.deepEqual(certificate.extensions.subjectAltName?.uris, ['spiffe://a.example/lake'])
  })

  it('gives every certificate a serial of its own, the same on every run', async () => {
    const [one, other] = [await TestCa.create(), await TestCa.create()]
    const serials = [one.root, one.issuing, await one.leaf('a'), await one.leaf('a')].map(
      (each) => each.certificate.serial,
    )
    assert.equal(new Set(serials).size, 4)
    assert.equal(other.root.certificate.serial, serials[0])
  })
})
