import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { TestCa, type TestIdentity, TestLog, testExtension } from '@datapunk/testkit'
import { sha256 } from '../keys/public-key.ts'
import { oids } from '../oids.ts'
import type { PkiErrorCode } from '../pki-error.ts'
import { checkSubmission, type SubmissionCheck } from './check-submission.ts'
import { x509Entry } from './log-entry.ts'
import { withoutPoison } from './tbs-extensions.ts'

let ca: TestCa
let leaf: TestIdentity
let precertificate: TestIdentity
before(async () => {
  ca = await TestCa.create()
  leaf = await ca.leaf('lake')
  precertificate = await poisoned()
})

const poison = testExtension.poison()
const poisoned = (issuer: TestIdentity = ca.issuing) => ca.leaf('lake', { extensions: { poison } }, issuer)

const chainOf = (...identities: readonly TestIdentity[]) => identities.map(({ der }) => der)
const check = (overrides: Partial<SubmissionCheck> = {}): SubmissionCheck => ({
  roots: [ca.root.certificate],
  kind: 'pre-chain',
  now: ca.at,
  ...overrides,
})

function refuses(
  code: PkiErrorCode,
  chain: readonly Uint8Array[],
  overrides: Partial<SubmissionCheck> = {},
): void {
  assert.throws(() => checkSubmission(chain, check(overrides)), { code })
}

describe('a submission', () => {
  it('of a precertificate becomes an entry without poison, and the whole chain above it', () => {
    const chain = chainOf(precertificate, ca.issuing)
    for (const submitted of [chain, [...chain, ca.root.der]]) {
      const submission = checkSubmission(submitted, check())
      assert.deepEqual(submission.entry, {
        type: 'precert_entry',
        tbs: withoutPoison(precertificate.certificate.tbs),
        issuerKeyHash: sha256(ca.issuing.certificate.spki),
      })
      assert.deepEqual(submission.precertificate, precertificate.der)
      assert.deepEqual(submission.certificate, precertificate.certificate)
      assert.deepEqual(submission.chain, chainOf(ca.issuing, ca.root))
    }
  })

  it('of a final certificate becomes an entry as it is', async () => {
    for (const final of [leaf, await ca.loggedLeaf('lake', await TestLog.create())]) {
      const submission = checkSubmission(chainOf(final, ca.issuing), check({ kind: 'chain' }))
      assert.deepEqual(submission.entry, x509Entry(final.der))
      assert.equal(submission.precertificate, undefined)
    }
  })

  it('may be of an issuing CA, or of a root', () => {
    const kind = 'chain'
    assert.deepEqual(checkSubmission(chainOf(ca.issuing), check({ kind })).chain, [ca.root.der])
    assert.deepEqual(checkSubmission(chainOf(ca.root), check({ kind })).chain, [])
  })

  it('finds its root by the key, where two have one name', async () => {
    const other = await TestCa.create()
    const roots = [other.root.certificate, ca.root.certificate]
    assert.deepEqual(
      checkSubmission(chainOf(precertificate, ca.issuing), check({ roots })).chain.at(-1),
      ca.root.der,
    )
  })

  it('is a chain, in order', async () => {
    const other = await ca.intermediate('other')
    refuses('SUBMISSION_NOT_A_CHAIN', [])
    refuses('SUBMISSION_NOT_A_CHAIN', chainOf(precertificate, other))
    refuses('SUBMISSION_NOT_A_CHAIN', chainOf(precertificate, ca.root, ca.issuing))
    refuses('SUBMISSION_NOT_A_CHAIN', chainOf(precertificate, ca.issuing, ca.issuing))
    refuses('DER_INVALID', [precertificate.der.subarray(0, -1), ca.issuing.der])
  })

  it('ends at a root of the log', async () => {
    const foreign = await TestCa.create({ seed: 'foreign' })
    const stranger = await TestCa.create({ trustDomain: 'elsewhere.example' })
    refuses('SUBMISSION_ROOT_UNKNOWN', chainOf(precertificate))
    for (const roots of [[], [foreign.root.certificate], [stranger.root.certificate]]) {
      refuses('SUBMISSION_ROOT_UNKNOWN', chainOf(precertificate, ca.issuing), { roots })
      refuses('SUBMISSION_ROOT_UNKNOWN', chainOf(precertificate, ca.issuing, ca.root), { roots })
    }
  })

  it('is signed, every link of it', async () => {
    const foreign = await TestCa.create({ seed: 'foreign' })
    refuses('SIGNATURE_INVALID', chainOf(await poisoned(foreign.issuing), ca.issuing))
  })

  it('is read anew, whatever became of the octets of an earlier one', () => {
    const submitted = chainOf(precertificate, ca.issuing).map((der) => new Uint8Array(der))
    checkSubmission(submitted, check())
    for (const octets of submitted) octets.fill(0)
    refuses('DER_INVALID', submitted)
    assert.deepEqual(
      checkSubmission(chainOf(precertificate, ca.issuing), check()).chain,
      chainOf(ca.issuing, ca.root),
    )
  })

  it('is held against the roots of each time, whatever was found out before', async () => {
    const other = await TestCa.create({ seed: 'other roots' })
    const chain = chainOf(precertificate, ca.issuing)
    checkSubmission(chain, check())
    refuses('SUBMISSION_ROOT_UNKNOWN', chain, { roots: [other.root.certificate] })
    refuses('SIGNATURE_INVALID', chainOf(await poisoned(other.issuing), ca.issuing))
    checkSubmission(chain, check())
  })

  it('begins with what it is said to begin with', async () => {
    refuses('SUBMISSION_POISON_MISSING', chainOf(leaf, ca.issuing))
    refuses('SUBMISSION_POISONED', chainOf(precertificate, ca.issuing), { kind: 'chain' })
    const mild = testExtension.poison(false)
    const mildly = await ca.leaf('lake', { extensions: { poison: mild } })
    refuses('SUBMISSION_POISON_MISSING', chainOf(mildly, ca.issuing))
  })

  it('is not expired; a log that has no clock takes it all the same', async () => {
    const { notAfter } = precertificate.certificate
    const chain = chainOf(precertificate, ca.issuing)
    checkSubmission(chain, check({ now: notAfter + 999 }))
    checkSubmission(chain, { roots: [ca.root.certificate], kind: 'pre-chain' })
    refuses('CERTIFICATE_EXPIRED', chain, { now: notAfter + 1000 })
  })

  it('is issued by CAs only, and not by one that signs precertificates for others', async () => {
    const below = await ca.leaf('other')
    refuses('ISSUER_NOT_CA', chainOf(await poisoned(below), below, ca.issuing))
    const extendedKeyUsage = testExtension.extendedKeyUsage([oids.precertificateSigning])
    const signer = await ca.intermediate('signer', { extensions: { extendedKeyUsage } })
    refuses('SUBMISSION_SIGNER_UNSUPPORTED', chainOf(await poisoned(signer), signer))
    const poisonedCa = await ca.intermediate('poisoned', { extensions: { poison } })
    refuses('UNKNOWN_CRITICAL_EXTENSION', chainOf(await poisoned(poisonedCa), poisonedCa))
  })

  it('is no longer and no larger than is looked at', () => {
    refuses('SUBMISSION_TOO_LONG', [precertificate.der, ...Array(8).fill(ca.issuing.der)])
    refuses('SUBMISSION_TOO_LARGE', [precertificate.der, new Uint8Array(0x1_0000)])
  })
})
