import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import {
  type BadSctCertificate,
  badScts,
  logsOf,
  TestCa,
  type TestIdentity,
  TestLog,
} from '@datapunk/testkit'
import { parseCertificate } from '../certificate.ts'
import { generateKeyPair } from '../keys/key-algorithm.ts'
import { sha256 } from '../keys/public-key.ts'
import { localSigner } from '../keys/signer.ts'
import { hexText } from '../octets.ts'
import { leafIndexExtension } from './ct-extensions.ts'
import { precertEntry, x509Entry } from './log-entry.ts'
import { logIdOf } from './log-id.ts'
import { encodeSct, type Sct } from './sct.ts'
import { encodeSctList } from './sct-list.ts'
import { isSignedSct, signSct } from './sct-signature.ts'
import { sctSignatureInput } from './timestamped-entry.ts'
import { type CheckedScts, type SctCheck, verifySct, verifyScts } from './verify-scts.ts'

let ca: TestCa
let log: TestLog
before(async () => {
  ca = await TestCa.create()
  log = await TestLog.create()
})

function verify({ certificate }: TestIdentity, overrides: Partial<SctCheck> = {}): CheckedScts {
  return verifyScts(certificate, {
    issuerSpki: ca.issuing.certificate.spki,
    logs: logsOf(log),
    latest: ca.at,
    ...overrides,
  })
}

/** A leaf with these SCTs, made of the same leaf without. */
function leafWith(...makers: readonly ((tbs: Uint8Array) => Promise<Sct>)[]): Promise<TestIdentity> {
  return ca.leafWithScts('lake', async ({ tbs }) =>
    encodeSctList((await Promise.all(makers.map((make) => make(tbs)))).map(encodeSct)),
  )
}

const by =
  (each: TestLog, at = ca.at) =>
  (tbs: Uint8Array) =>
    each.sct({ tbs, issuerSpki: ca.issuing.certificate.spki }, at)

describe('the SCTs of a certificate', () => {
  it('are good when a known log has signed them for it', async () => {
    const own = await TestLog.create()
    const leaf = await ca.loggedLeaf('lake', own)
    assert.deepEqual(verify(leaf, { logs: logsOf(log, own) }), {
      good: [{ log: own.id, timestamp: ca.at, leafIndex: 0 }],
      bad: [],
    })
  })

  for (const [name, { fault, code, make }] of Object.entries<BadSctCertificate>(badScts)) {
    it(`with ${fault} (${name}) are ${code ?? 'none'}`, async () => {
      const { good, bad } = verify(await make(ca, 'lake', log))
      assert.deepEqual(good, [])
      assert.deepEqual(
        bad.map((each) => each.fault),
        code === undefined ? [] : [code],
      )
    })
  }

  it('are looked at one by one', async () => {
    const [other, unknown] = [await TestLog.create(), await TestLog.create()]
    const leaf = await leafWith(by(unknown), by(log), by(other, ca.at + 1))
    const { good, bad } = verify(leaf, { logs: logsOf(log, other) })
    assert.deepEqual(
      good.map((each) => each.log),
      [log.id],
    )
    assert.deepEqual(bad, [
      { fault: 'LOG_UNKNOWN', log: unknown.id },
      { fault: 'FROM_THE_FUTURE', log: other.id },
    ])
  })

  it('count once for each log, so that a list costs no more signatures than there are logs', async () => {
    const leaf = await leafWith(by(log), by(log), by(log))
    const { good, bad } = verify(leaf)
    assert.equal(good.length, 1)
    assert.deepEqual(bad, Array(2).fill({ fault: 'LOG_REPEATED', log: log.id }))
  })

  it('are of this issuer, and of these octets', async () => {
    const leaf = await ca.loggedLeaf('lake', log)
    assert.equal(verify(leaf).good.length, 1)
    const otherIssuer = verify(leaf, { issuerSpki: ca.root.certificate.spki })
    assert.deepEqual(otherIssuer.bad, [{ fault: 'SIGNATURE_WRONG', log: log.id }])
    const altered = new Uint8Array(leaf.der)
    altered.set(Buffer.from('nexu'), Buffer.from(altered).indexOf('lake.service'))
    const certificate = parseCertificate(altered)
    assert.deepEqual(verify({ ...leaf, certificate }).bad, [{ fault: 'SIGNATURE_WRONG', log: log.id }])
  })

  it('may be of a log without indices, or with an RSA key', async () => {
    const { privateKey } = await generateKeyPair('rsa')
    const signer = localSigner(privateKey)
    const old = async (tbs: Uint8Array): Promise<Sct> => {
      const entry = precertEntry({ tbs, issuerKeyHash: sha256(ca.issuing.certificate.spki) })
      const signed = { timestamp: ca.at, entry, extensions: new Uint8Array() }
      const signature = await signer.sign(sctSignatureInput(signed))
      return { logId: logIdOf(signer.spki), ...signed, leafIndex: undefined, algorithm: 'rsa', signature }
    }
    const logs = new Map([[hexText(logIdOf(signer.spki)), signer.spki]])
    const { good } = verify(await leafWith(old), { logs })
    assert.deepEqual(
      good.map(({ leafIndex }) => leafIndex),
      [undefined],
    )
    const asEcdsa = async (tbs: Uint8Array): Promise<Sct> => ({ ...(await old(tbs)), algorithm: 'ecdsa' })
    assert.deepEqual(
      verify(await leafWith(asEcdsa), { logs }).bad.map(({ fault }) => fault),
      ['SIGNATURE_WRONG'],
    )
  })

  it('are never verified for no time at all', async () => {
    const leaf = await ca.loggedLeaf('lake', log)
    assert.throws(() => verify(leaf, { latest: Number.NaN }), TypeError)
  })

  it('hold before they are in a certificate as they will in it', async () => {
    const { certificate } = await ca.leaf('lake')
    const { spki: issuerSpki } = ca.issuing.certificate
    const entry = precertEntry({ tbs: certificate.tbs, issuerKeyHash: sha256(issuerSpki) })
    const octets = encodeSct(await log.sct({ tbs: certificate.tbs, issuerSpki }, ca.at))
    const check = (latest: number) => verifySct(octets, { entry, logs: logsOf(log), latest })
    assert.equal('fault' in check(ca.at), false)
    assert.deepEqual(check(ca.at - 1), { fault: 'FROM_THE_FUTURE', log: log.id })
    assert.throws(() => check(Number.NaN), TypeError)
  })
})

describe('an SCT', () => {
  it('is signed for an entry, a time and a place', async () => {
    const entry = x509Entry((await ca.leaf('lake')).der)
    const sct = await signSct({ timestamp: 5, entry, leafIndex: 7 }, log.signer)
    const { spki } = log.signer
    assert.ok(isSignedSct(sct, entry, spki))
    assert.ok(!isSignedSct({ ...sct, timestamp: 6 }, entry, spki))
    assert.ok(!isSignedSct({ ...sct, extensions: leafIndexExtension(8) }, entry, spki))
    assert.ok(!isSignedSct(sct, x509Entry(ca.issuing.der), spki))
    assert.ok(!isSignedSct(sct, precertEntry({ tbs: entry.certificate, issuerKeyHash: sha256(spki) }), spki))
  })

  it('is signed by ECDSA P-256 only', async () => {
    const { signer } = await ca.leaf('lake', { algorithm: 'ed25519' })
    const entry = x509Entry(ca.issuing.der)
    await assert.rejects(signSct({ timestamp: 5, entry, leafIndex: 7 }, signer), TypeError)
  })
})
