import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { verifyPath, verifyScts } from '@datapunk/pki'
import { type BadSctCertificate, badScts } from './bad-scts.ts'
import { TestCa } from './test-ca.ts'
import type { TestIdentity } from './test-certificate.ts'
import { logsOf, TestLog } from './test-log.ts'

describe('certificates with bad SCTs', async () => {
  const [ca, log] = [await TestCa.create(), await TestLog.create()]

  /** What is wrong with the SCTs of a certificate that is good otherwise. */
  function faultsOf({ certificate }: TestIdentity): readonly string[] {
    const [issuing, roots] = [ca.issuing.certificate, [ca.root.certificate]]
    verifyPath({
      ...{ leaf: certificate, intermediates: [issuing], roots, at: ca.at },
      usage: 'serverAuth',
      name: { dns: `lake.${ca.trustDomain}` },
    })
    const check = { issuerSpki: issuing.spki, logs: logsOf(log), latest: ca.at }
    const { good, bad } = verifyScts(certificate, check)
    return [...good.map(() => 'good'), ...bad.map(({ fault }) => fault)]
  }

  for (const [name, { fault, code, make }] of Object.entries<BadSctCertificate>(badScts)) {
    it(`${name}: ${fault}`, async () => {
      assert.deepEqual(faultsOf(await make(ca, 'lake', log)), code === undefined ? [] : [code])
    })
  }

  it('differ from a good one', async () => {
    assert.deepEqual(faultsOf(await ca.loggedLeaf('lake', log)), ['good'])
  })
})
