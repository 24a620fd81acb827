import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { keyIdOf } from '@datapunk/protocol'
import { TestCa, testExtension } from '@datapunk/testkit'
import { Refused } from '../refusal.ts'
import { type AuthorityTrust, examineAuthority } from './authority-standing.ts'

const DAY = 24 * 60 * 60 * 1000

describe('the authority is known by its certificate', () => {
  let ca: TestCa
  let trust: AuthorityTrust

  before(async () => {
    ca = await TestCa.create()
    const { root, issuing, trustDomain } = ca
    trust = { roots: [root.certificate], issuingCas: [issuing.certificate], trustDomain }
  })

  const named = (...uris: string[]) => ({
    extensions: {
      subjectAltName: testExtension.subjectAltName({ dnsNames: ['authority.service.datapunk'], uris }),
    },
  })

  test('whatever its address is', async () => {
    const { der } = await ca.leaf('authority')
    const standing = examineAuthority(der, trust, ca.at)
    assert.equal(standing.issuer, keyIdOf(ca.issuing.certificate.spki))
    assert.ok(standing.notAfter > ca.at)
  })

  const faults: Record<string, { rule: string; der: () => Promise<Uint8Array>; at?: number }> = {
    'that of a member': { rule: 'OTHER_SERVICE', der: async () => (await ca.leaf('lake')).der },
    'one with the authority’s name and a member’s SPIFFE ID': {
      rule: 'OTHER_SERVICE',
      der: async () => (await ca.leaf('authority', named('spiffe://service.datapunk/lake'))).der,
    },
    'one with two SPIFFE IDs': {
      rule: 'SPIFFE_ID_INVALID',
      der: async () => {
        const ids = ['spiffe://service.datapunk/authority', 'spiffe://service.datapunk/lake']
        return (await ca.leaf('authority', named(...ids))).der
      },
    },
    'one without a SPIFFE ID': {
      rule: 'SPIFFE_ID_INVALID',
      der: async () => (await ca.leaf('authority', named())).der,
    },
    'one that has ended': {
      rule: 'CERTIFICATE_EXPIRED',
      der: async () => (await ca.leaf('authority')).der,
      at: Date.UTC(2027, 6, 1),
    },
    'one that only calls': {
      rule: 'EXTENDED_KEY_USAGE_NOT_ALLOWED',
      der: async () => {
        const extendedKeyUsage = testExtension.extendedKeyUsage(['1.3.6.1.5.5.7.3.2'])
        return (await ca.leaf('authority', { extensions: { extendedKeyUsage } })).der
      },
    },
    'one under a CA that the trust statement does not name, although its root does': {
      rule: 'ISSUER_UNKNOWN',
      der: async () => (await ca.leaf('authority', {}, await ca.intermediate('other CA'))).der,
    },
    'one of another mesh of the same names': {
      rule: 'AUTHORITY_KEY_MISMATCH',
      der: async () => (await (await TestCa.create({ seed: 'other' })).leaf('authority')).der,
    },
    'what is no certificate': { rule: 'DER_INVALID', der: async () => Buffer.from('none') },
  }

  for (const [what, { rule, der, at = Date.UTC(2026, 0, 1) + DAY }] of Object.entries(faults)) {
    test(`and not by ${what}: ${rule}`, async () => {
      const bytes = await der()
      assert.throws(
        () => examineAuthority(bytes, trust, at),
        (error) => error instanceof Refused && error.rule === rule && error.fix.includes('authority.listen'),
      )
    })
  }
})
