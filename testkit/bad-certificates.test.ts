import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { before, describe, it } from 'node:test'
import { PkiError, parseCertificate, verifyPath } from '@datapunk/pki'
import { type BadCertificate, badCertificates } from './bad-certificates.ts'
import { TestCa } from './test-ca.ts'

describe('bad certificates', () => {
  let ca: TestCa
  before(async () => {
    ca = await TestCa.create()
  })

  for (const [name, bad] of Object.entries(badCertificates) as [string, BadCertificate][]) {
    it(`${name}: ${bad.fault}`, async () => {
      const { der, privateKey } = await bad.make(ca, 'lake')
      assert.equal(refusalOf(der, ca), bad.code)
      if (bad.code !== 'DER_INVALID') assert.ok(new X509Certificate(der).checkPrivateKey(privateKey))
    })
  }

  it('differ from a good one, which is accepted', async () => {
    assert.equal(refusalOf((await ca.leaf('lake')).der, ca), undefined)
  })
})

function refusalOf(der: Uint8Array, ca: TestCa): string | undefined {
  try {
    verifyPath({
      leaf: parseCertificate(der),
      intermediates: [ca.issuing.certificate],
      roots: [ca.root.certificate],
      at: ca.at,
      name: { dns: `lake.${ca.trustDomain}` },
      usage: 'serverAuth',
    })
    return undefined
  } catch (error) {
    assert.ok(error instanceof PkiError)
    return error.code
  }
}
