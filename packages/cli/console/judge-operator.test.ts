import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import type { Shown } from '@datapunk/console'
import type { MeshDocuments } from '@datapunk/mesh'
import { oids } from '@datapunk/pki'
import { encodeRevoked, operatorSpiffeId, RevokedSet } from '@datapunk/protocol'
import {
  badCertificates,
  TestCa,
  type TestExtensions,
  type TestIdentity,
  testExtension,
} from '@datapunk/testkit'
import { judgeOperator, type OperatorRules } from './judge-operator.ts'

const DAY = 24 * 60 * 60 * 1000

let ca: TestCa
let alice: TestIdentity
before(async () => {
  ca = await TestCa.create()
  alice = await ca.operator('alice')
})

const meshWith = (revoked: readonly string[] = [], from: TestCa = ca) =>
  ({
    trust: { roots: [from.root.certificate], issuingCas: [from.issuing.certificate] },
    bundle: {
      head: { expiresAt: ca.at + 7 * DAY },
      revoked: RevokedSet.parse(encodeRevoked(revoked)),
    },
  }) as unknown as MeshDocuments

const operator = (name: string, readOnly = false) => ({
  ...{ operator: name, readOnly, validityDays: 90 },
  spiffeId: operatorSpiffeId(ca.trustDomain, name),
})

const rulesWith = (change: Partial<OperatorRules> = {}): OperatorRules => ({
  mesh: () => meshWith(),
  operators: [operator('alice'), operator('bob', true)],
  readOnly: false,
  isOnRecord: () => true,
  clockSkew: 5 * 60 * 1000,
  ...change,
})

const shown = (who: TestIdentity, openssl?: string): Shown => ({ leaf: who.der, openssl, remote: undefined })

const judged = (who: TestIdentity, change: Partial<OperatorRules> = {}, at = ca.at) =>
  judgeOperator(shown(who), rulesWith(change), at)

describe('an operator', () => {
  test('comes in with the rights that the config gives now', async () => {
    assert.deepEqual(judged(alice), { operator: 'alice', readOnly: false })
    assert.deepEqual(judged(alice, { readOnly: true }), { operator: 'alice', readOnly: true })
    assert.deepEqual(judged(await ca.operator('bob')), { operator: 'bob', readOnly: true })
  })

  test('comes in until the certificate ends, and while the bundle holds', () => {
    const { notAfter } = alice.certificate
    const lasting = () => {
      const mesh = meshWith()
      return { ...mesh, bundle: { ...mesh.bundle, head: { ...mesh.bundle.head, expiresAt: notAfter + DAY } } }
    }
    assert.equal(judged(alice, { mesh: lasting }, notAfter).operator, 'alice')
    assert.throws(() => judged(alice, { mesh: lasting }, notAfter + 1000), { rule: 'CERTIFICATE_EXPIRED' })
    const end = ca.at + 7 * DAY + 5 * 60 * 1000
    assert.equal(judged(alice, {}, end).operator, 'alice')
    assert.throws(() => judged(alice, {}, end + 1), { rule: 'BUNDLE_EXPIRED', message: /mtls up/ })
  })
})

describe('nobody else comes in', () => {
  const refused = async (
    rule: string,
    who: TestIdentity | Promise<TestIdentity>,
    change: Partial<OperatorRules> = {},
  ) => {
    const identity = await who
    assert.throws(() => judged(identity, change), { name: 'OperatorRefused', rule })
  }
  const changed = (extensions: TestExtensions) => ca.operator('alice', { extensions })
  const names = (...uris: readonly string[]) =>
    changed({ subjectAltName: testExtension.subjectAltName({ dnsNames: [], uris, ipAddresses: [] }) })

  test('who shows nothing, or no certificate', () => {
    const without = { leaf: undefined, openssl: undefined, remote: undefined }
    assert.throws(() => judgeOperator(without, rulesWith(), ca.at), { rule: 'NO_CERTIFICATE' })
    const garbage = { ...without, leaf: Uint8Array.of(0x30, 3, 2, 1) }
    assert.throws(() => judgeOperator(garbage, rulesWith(), ca.at), { name: 'OperatorRefused' })
  })

  test('a service, and whoever is no operator of this mesh', async () => {
    await refused('NOT_AN_OPERATOR', ca.leaf('lake'))
    await refused('NOT_AN_OPERATOR', ca.leaf('alice'))
    await refused('NOT_AN_OPERATOR', ca.operator('carol'))
    await refused('NOT_AN_OPERATOR', alice, { operators: [operator('bob')] })
    await refused('NOT_AN_OPERATOR', names('spiffe://service.datapunk/operator/alice/more'))
    await refused('NAME_CONSTRAINT_VIOLATED', names('spiffe://elsewhere.example/operator/alice'))
    await refused('SPIFFE_ID_INVALID', names('https://service.datapunk/operator/alice'))
    await refused('SPIFFE_ID_INVALID', names(...['alice', 'bob'].map((one) => operator(one).spiffeId)))
    const other = await TestCa.create({ seed: 'other' })
    await refused('AUTHORITY_KEY_MISMATCH', other.operator('alice'))
  })

  test('a certificate for anything but a client', async () => {
    await refused('EXTENDED_KEY_USAGE_MISSING', changed({ extendedKeyUsage: null }))
    await refused(
      'EXTENDED_KEY_USAGE_NOT_ALLOWED',
      changed({ extendedKeyUsage: testExtension.extendedKeyUsage([oids.serverAuth]) }),
    )
    await refused('LEAF_IS_CA', changed({ basicConstraints: testExtension.basicConstraints(true) }))
  })

  test('with any fault that a certificate can have', async () => {
    for (const [fault, { make }] of Object.entries(badCertificates)) {
      const bad = await make(ca, 'alice')
      assert.throws(() => judged(bad), { name: 'OperatorRefused' }, fault)
    }
  })

  test('one that was revoked, or is on no record', async () => {
    await refused('REVOKED', alice, { mesh: () => meshWith([alice.certificate.serial]) })
    await refused('CERTIFICATE_UNKNOWN', alice, { isOnRecord: () => false })
  })

  test('whom OpenSSL refuses, and whoever comes when nothing can be believed', () => {
    assert.throws(() => judgeOperator(shown(alice, 'CERT_REJECTED'), rulesWith(), ca.at), {
      rule: 'OPENSSL_REFUSED',
      message: /CERT_REJECTED/,
    })
    const mesh = () => {
      throw new TypeError('there is no mesh')
    }
    assert.throws(() => judged(alice, { mesh }), { rule: 'CHECK_FAILED', message: /there is no mesh/ })
    const isOnRecord = () => {
      throw new TypeError('no inventory')
    }
    assert.throws(() => judged(alice, { isOnRecord }), { name: 'OperatorRefused', rule: 'CHECK_FAILED' })
  })
})
