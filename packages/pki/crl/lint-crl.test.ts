import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { TestCa, testExtension } from '@datapunk/testkit'
import type { Certificate } from '../certificate.ts'
import { keyAlgorithms } from '../keys/key-algorithm.ts'
import { crlRules } from './crl-rules.ts'
import { LintedCrl } from './lint-crl.ts'
import { RevokedEntries } from './revoked-entries.ts'
import { type CrlRequest, encodeTbsCrl } from './tbs-crl.ts'

let ca: TestCa
let cannotSign: TestCa
before(async () => {
  const keyUsage = testExtension.keyUsage(['keyCertSign'])
  ca = await TestCa.create()
  cannotSign = await TestCa.create({ issuing: { extensions: { keyUsage } } })
})

const held = (at: number): RevokedEntries =>
  RevokedEntries.of({ serial: Uint8Array.of(7), at, reason: 'certificateHold' })

/** For each rule a list that breaks it, and the issuer it is held against where that is not the one it was made for. */
const broken: Readonly<Record<string, () => readonly [Partial<CrlRequest>, Certificate?]>> = {
  'issuer-is-the-issuers-subject': () => [{}, ca.root.certificate],
  'authority-key-identifier-is-the-issuers': () => [{}, ca.root.certificate],
  'signature-algorithm-is-the-issuers': () => [{}, { ...ca.issuing.certificate, keyAlgorithm: 'rsa' }],
  'issuer-signs-lists': () => [{ issuer: cannotSign.issuing.certificate }],
  // The times of the request are in order until their fractions are dropped.
  'updates-are-in-order': () => [{ nextUpdate: ca.at + 999 }],
  'base-is-before-the-delta': () => [{ base: 5 }],
  'no-revocation-is-after-this-update': () => [{ entries: [held(ca.at + 1000)] }],
  'places-are-http-uris': () => [{ freshest: 'ldap://crl.service.datapunk/7' }],
  'reasons-are-for-the-scope': () => [
    { entries: [held(ca.at)], scope: { uri: 'http://a.b/7.crl', onlyContains: 'user-certificates' } },
  ],
}

const lintBroken = (request: Partial<CrlRequest>, issuer?: Certificate): LintedCrl => {
  const usual = { issuer: ca.issuing.certificate, number: 5, thisUpdate: ca.at, nextUpdate: ca.at + 1000 }
  const whole = { ...usual, entries: [], ...request }
  return LintedCrl.lint(encodeTbsCrl(whole).der, issuer ?? (whole.issuer as Certificate))
}

describe('linting a list', () => {
  it('passes good ones', () => {
    const { crl, issuerSpki } = lintBroken({ entries: [held(ca.at)] })
    assert.deepEqual(crl.signatureAlgorithm, keyAlgorithms['ecdsa-p256'].signatureIdentifier)
    assert.deepEqual(issuerSpki, ca.issuing.signer.spki)
  })

  it('has a broken list for each of its rules', () => {
    assert.deepEqual(
      Object.keys(broken),
      crlRules.map(({ name }) => name),
    )
  })

  for (const { name, source } of crlRules) {
    it(`finds what breaks ${name}`, () => {
      assert.throws(
        () => lintBroken(...(broken[name] ?? assert.fail())()),
        (error: { code?: string; data?: { findings?: { rule: string; source: string }[] } }) =>
          error.code === 'LINT_FAILED' &&
          error.data?.findings?.some((finding) => finding.rule === name && finding.source === source) ===
            true,
      )
    })
  }

  it('makes the only proof there is', () => {
    const lookalike = Object.create(LintedCrl.prototype) as LintedCrl
    assert.throws(() => lookalike.crl, TypeError)
  })
})
