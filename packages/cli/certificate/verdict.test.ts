import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { readMeshDocuments } from '@datapunk/mesh'
import { type Certificate, oids, type PeerName } from '@datapunk/pki'
import { TestMesh, testExtension } from '@datapunk/testkit'
import { verdictOn } from './verdict.ts'

describe('the verdict on a certificate', () => {
  let testMesh: TestMesh

  before(async () => {
    testMesh = await TestMesh.create({ services: { lake: {} } })
  })
  after(() => testMesh.remove())

  /** Whether it keeps a rule. */
  const keeps = async (
    rule: string,
    certificate: Certificate,
    { at = Date.now(), name }: { at?: number; name?: PeerName } = {},
  ) => {
    const { config } = testMesh
    const mesh = readMeshDocuments(config, { latest: Infinity })
    const { rules } = await verdictOn({ config, certificate, mesh, at, name })
    return rules.find((one) => one.rule === rule)?.passed
  }

  test('lets a CA be valid from its first second on, and through all of its last one', async () => {
    const { certificate } = testMesh.ca.issuing
    const { notBefore: begin, notAfter: end } = certificate
    const judged = [begin - 1, begin, end + 999, end + 1000].map((at) => keeps('dates', certificate, { at }))
    assert.deepEqual(await Promise.all(judged), [false, true, true, false])
  })

  test('says of the wanted name only whether it is there, whatever the certificate is for', async () => {
    const extendedKeyUsage = testExtension.extendedKeyUsage([oids.clientAuth])
    const { certificate } = await testMesh.leaf('lake', { extensions: { extendedKeyUsage } })
    const [own, other] = ['lake', 'stream'].map((service) => ({
      name: { dns: `${service}.service.datapunk` },
    }))
    assert.equal(await keeps('path as a client', certificate, own), true)
    assert.equal(await keeps('path as a server', certificate, own), false)
    assert.equal(await keeps('wanted name', certificate, own), true)
    assert.equal(await keeps('wanted name', certificate, other), false)
  })
})
