import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { logsOf, TestCa, TestLog, testExtension } from '@datapunk/testkit'
import { parseCertificate } from '../certificate.ts'
import { generateKeyPair } from '../keys/key-algorithm.ts'
import type { Signer } from '../keys/signer.ts'
import { lint } from '../lint/lint.ts'
import type { LintToken } from '../lint/lint-token.ts'
import { oids } from '../oids.ts'
import { verifyPath } from '../path/verify-path.ts'
import { withoutPoison, withoutSctList } from '../transparency/tbs-extensions.ts'
import { verifyScts } from '../transparency/verify-scts.ts'
import type { Precertificate } from './precertificate.ts'
import { signCertificate } from './sign-certificate.ts'
import { checkFinal, signLogged } from './sign-logged.ts'
import { signPrecertificate } from './sign-precertificate.ts'

let ca: TestCa
let log: TestLog
before(async () => {
  ca = await TestCa.create()
  log = await TestLog.create()
})

const poison = testExtension.poison()

async function token(): Promise<LintToken> {
  return lint({
    tbs: (await ca.leaf('lake')).certificate.tbs,
    profile: 'leaf',
    issuer: ca.issuing.certificate,
  })
}

const precertificate = async (): Promise<Precertificate> =>
  signPrecertificate(await token(), ca.issuing.signer)

const verify = (der: Uint8Array) =>
  verifyPath({
    leaf: parseCertificate(der),
    intermediates: [ca.issuing.certificate],
    roots: [ca.root.certificate],
    at: ca.at,
    usage: 'serverAuth',
  })

describe('a precertificate', () => {
  it('is what was linted and the poison, which comes last', async () => {
    const { certificate } = await ca.leaf('lake')
    const linted = lint({ tbs: certificate.tbs, profile: 'leaf', issuer: ca.issuing.certificate })
    const { der, tbs } = await signPrecertificate(linted, ca.issuing.signer)
    const { extensions } = parseCertificate(der)
    assert.deepEqual(tbs, certificate.tbs)
    assert.deepEqual(extensions.all.at(-1)?.oid, oids.poison)
    assert.deepEqual(extensions.all.slice(0, -1), certificate.extensions.all)
    assert.deepEqual(extensions.poison, { critical: true })
  })

  it('is no certificate: no path goes from it', async () => {
    const { der } = await precertificate()
    assert.throws(() => verify(der), { code: 'UNKNOWN_CRITICAL_EXTENSION' })
  })

  it('spends the token, so that nothing is signed past the log', async () => {
    const linted = await token()
    await signPrecertificate(linted, ca.issuing.signer)
    await assert.rejects(signCertificate(linted, ca.issuing.signer), { code: 'TOKEN_REDEEMED' })
    await assert.rejects(signPrecertificate(linted, ca.issuing.signer), { code: 'TOKEN_REDEEMED' })
  })

  it('is made by nobody but signPrecertificate', async () => {
    const Forged = (await precertificate()).constructor as new (by: symbol, signed: object) => Precertificate
    assert.throws(() => new Forged(Symbol('signPrecertificate'), {}), /^TypeError: only signPrecertificate/)
    const lookalike = Object.create(Forged.prototype) as Precertificate
    await assert.rejects(signLogged(lookalike, [], ca.issuing.signer), TypeError)
  })

  it('is refused by the key of another issuer', async () => {
    await assert.rejects(signPrecertificate(await token(), ca.root.signer), { code: 'SIGNER_MISMATCH' })
  })
})

describe('a final certificate', () => {
  it('is accepted, and its SCTs are good', async () => {
    const logged = await precertificate()
    const sct = await log.sct(logged, ca.at)
    const der = await signLogged(logged, [sct], ca.issuing.signer)
    verify(der)
    const certificate = parseCertificate(der)
    const check = { issuerSpki: ca.issuing.certificate.spki, logs: logsOf(log), latest: ca.at }
    const { good, bad } = verifyScts(certificate, check)
    assert.deepEqual(good, [{ log: log.id, timestamp: sct.timestamp, leafIndex: sct.leafIndex }])
    assert.deepEqual(bad, [])
    assert.equal(certificate.extensions.all.at(-1)?.oid, oids.scts)
    assert.deepEqual(withoutSctList(certificate.tbs), withoutPoison(parseCertificate(logged.der).tbs))
  })

  it('is signed once, whatever came of it', async () => {
    const logged = await precertificate()
    const scts = [await log.sct(logged, ca.at)]
    await signLogged(logged, scts, ca.issuing.signer)
    await assert.rejects(signLogged(logged, scts, ca.issuing.signer), { code: 'TOKEN_REDEEMED' })
    const unlucky = await precertificate()
    await assert.rejects(signLogged(unlucky, [], ca.issuing.signer), RangeError)
    await assert.rejects(signLogged(unlucky, scts, ca.issuing.signer), { code: 'TOKEN_REDEEMED' })
  })

  it('is refused by the key of another issuer, and with a signature that is wrong', async () => {
    const [one, two] = [await precertificate(), await precertificate()]
    const scts = [await log.sct(one, ca.at)]
    await assert.rejects(signLogged(one, scts, ca.root.signer), { code: 'SIGNER_MISMATCH' })
    const faulty: Signer = { ...ca.issuing.signer, sign: (message) => ca.root.signer.sign(message) }
    await assert.rejects(signLogged(two, scts, faulty), { code: 'SIGNATURE_INVALID' })
  })

  it('is not moved by octets changed after the precertificate', async () => {
    const logged = await precertificate()
    const sct = await log.sct(logged, ca.at)
    const linted = withoutPoison(parseCertificate(logged.der).tbs)
    for (const octets of [logged.tbs, logged.der]) {
      octets.set(Buffer.from('nexu'), Buffer.from(octets).indexOf('lake.service'))
    }
    const final = parseCertificate(await signLogged(logged, [sct], ca.issuing.signer))
    assert.deepEqual(withoutSctList(final.tbs), linted)
  })

  it('is not given out where it differs from its precertificate or from what was linted', async () => {
    const logged = await precertificate()
    const final = await signLogged(logged, [await log.sct(logged, ca.at)], ca.issuing.signer)
    const other = await precertificate()
    checkFinal(final, logged.der, logged.tbs)
    const differs = { code: 'FINAL_DIFFERS' }
    assert.throws(() => checkFinal(final, other.der, logged.tbs), differs)
    assert.throws(() => checkFinal(final, logged.der, other.tbs), differs)
    const same = { keyPair: await generateKeyPair('ecdsa-p256'), serial: Uint8Array.of(1, 2, 3) }
    const linted = (await ca.leaf('lake', same)).certificate.tbs
    const poisoned = await ca.leaf('lake', { ...same, extensions: { poison } })
    const longer = await ca.leafWithScts('lake', async () => Uint8Array.of(0), { ...same, notAfter: ca.at })
    assert.throws(() => checkFinal(longer.der, poisoned.der, linted), differs)
  })
})

describe('lint', () => {
  it('refuses a certificate that has poison or SCTs already', async () => {
    for (const extensions of [{ poison }, { scts: testExtension.sctList(Uint8Array.of(0, 0)) }]) {
      const { certificate } = await ca.leaf('lake', { extensions })
      assert.throws(() => lint({ tbs: certificate.tbs, profile: 'leaf', issuer: ca.issuing.certificate }), {
        code: 'LINT_FAILED',
      })
    }
  })
})
