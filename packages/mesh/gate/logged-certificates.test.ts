import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { encodeSct, encodeSctList } from '@datapunk/pki'
import { logsOf, TestCa, type TestIdentity, TestLog } from '@datapunk/testkit'
import { LoggedCertificates } from './logged-certificates.ts'

describe('what is known of a certificate that two logs have promised to hold', () => {
  let ca: TestCa
  let log: TestLog
  let other: TestLog
  let leaf: TestIdentity

  before(async () => {
    ca = await TestCa.create()
    log = await TestLog.create()
    other = await TestLog.create()
    leaf = await ca.leafWithScts('nexus', async (loggable) =>
      encodeSctList([encodeSct(await log.sct(loggable, ca.at)), encodeSct(await other.sct(loggable, ca.at))]),
    )
  })

  const show = (known: LoggedCertificates, trusted: TestLog, fingerprint = 'first') => {
    const certificate = { fingerprint, leaf: leaf.certificate, issuerSpki: ca.issuing.certificate.spki }
    const found = known.of(certificate, { logs: logsOf(trusted), latest: ca.at })
    assert.ok('sct' in found, 'its SCT is good')
    return found
  }

  test('that it was not found is forgotten with it, and of what is forgotten nothing is noted', () => {
    const known = new LoggedCertificates()
    const first = show(known, log)
    known.markAbsent(first, 'not there')
    assert.equal(known.objection(first), 'not there')
    for (let n = 0; n < 4096; n++) show(known, log, `${n}`)
    known.markAbsent(first, 'not there')
    assert.equal(known.objection(show(known, log)), undefined)
  })

  test('what one log does not hold says nothing of the other', () => {
    const known = new LoggedCertificates()
    const first = show(known, log)
    known.markAbsent(first, 'not there')
    const second = show(known, other)
    known.markAbsent(first, 'not there')
    assert.deepEqual([second.sct.log, known.objection(second)], [other.id, undefined])
  })

  test('what was proven stays so, also when its log has contradicted itself, or is trusted no more', () => {
    const known = new LoggedCertificates()
    const first = show(known, log)
    known.markAbsent(first, 'not there')
    known.markProven(first)
    known.markAbsent(first, 'not there')
    known.distrust(log.id)
    assert.equal(known.objection(first), undefined)
    assert.equal(show(known, other), first)
  })
})
