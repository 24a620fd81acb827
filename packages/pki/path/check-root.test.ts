import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { TestCa, type TestOverrides, testExtension } from '@datapunk/testkit'
import { checkRoot } from './check-root.ts'

const hour = 60 * 60 * 1000

let ca: TestCa
before(async () => {
  ca = await TestCa.create()
})

describe('a root', () => {
  const refused = async (code: string, root: TestOverrides) => {
    const other = await TestCa.create({ root })
    assert.throws(() => checkRoot(other.root.certificate, ca.at), { code })
  }

  it('is signed by its own key', async () => {
    checkRoot(ca.root.certificate, ca.at)
    const { subject } = ca.root.certificate
    const crossSigned = await ca.intermediate('a', {}, ca.root)
    const extensions = { authorityKeyIdentifier: null }
    const ofAnotherKey = await ca.intermediate('unused', { subject: subject.der, extensions }, ca.root)
    for (const { certificate } of [crossSigned, ofAnotherKey])
      assert.throws(() => checkRoot(certificate, ca.at), { code: 'SIGNATURE_INVALID' })
  })

  it('is fit to be one, and valid now', async () => {
    await refused('CERTIFICATE_EXPIRED', { notAfter: ca.at - hour })
    await refused('CERTIFICATE_NOT_YET_VALID', { notBefore: ca.at + hour })
    await refused('KEY_USAGE_NOT_ALLOWED', { extensions: { keyUsage: testExtension.keyUsage(['cRLSign']) } })
  })
})
