import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { TestCa, type TestIdentity, type TestOverrides, testExtension } from '@datapunk/testkit'
import type { Certificate } from '../certificate.ts'
import { keyAlgorithms } from '../keys/key-algorithm.ts'
import { oids } from '../oids.ts'
import { certIdOf, type OcspHash } from './cert-id.ts'
import type { CertStatus } from './cert-status.ts'
import { type CheckedOcsp, checkOcspResponse, type OcspCheck } from './check-ocsp-response.ts'
import { ocspErrorResponse } from './ocsp-error-response.ts'
import { parseOcspResponse } from './ocsp-response.ts'
import { type OcspResponseRequest, signOcspResponse } from './sign-ocsp-response.ts'

const minute = 60 * 1000
const hour = 60 * minute
const nonce = new Uint8Array(32).fill(7)

let ca: TestCa
let leaf: Certificate
let responder: TestIdentity
before(async () => {
  ca = await TestCa.create()
  leaf = (await ca.leaf('lake')).certificate
  responder = await ca.ocspSigner()
})

interface Said {
  readonly by?: TestIdentity
  readonly about?: Certificate
  readonly issuer?: Certificate
  readonly status?: CertStatus
  readonly hash?: OcspHash
  readonly thisUpdate?: number
  readonly nextUpdate?: number
  readonly nonce?: Uint8Array
}

/** A good response but for what is said otherwise. */
function respond(said: Said = {}): Promise<Uint8Array> {
  const { by = responder, about = leaf, issuer = ca.issuing.certificate, hash = 'sha256' } = said
  const { status = { kind: 'good' }, thisUpdate = ca.at, nextUpdate = ca.at + hour, nonce } = said
  const certId = certIdOf({ issuer, serial: about.serial, hash })
  const answers = [{ certId, status, thisUpdate, nextUpdate }]
  const request: OcspResponseRequest = { responder: by.certificate, producedAt: ca.at, answers, nonce }
  return signOcspResponse(request, by.signer)
}

function check(der: Uint8Array, overrides: Partial<OcspCheck> = {}): CheckedOcsp {
  const issuer = ca.issuing.certificate
  return checkOcspResponse({
    response: parseOcspResponse(der),
    leaf,
    issuer,
    at: ca.at + minute,
    clockSkew: 0,
    ...overrides,
  })
}

/** Refused with the code, and with what was found and what is allowed. */
function refused(code: string, call: () => unknown): void {
  assert.throws(
    call,
    (error: { code?: string; data?: object }) =>
      error.code === code && 'found' in (error.data ?? {}) && 'allowed' in (error.data ?? {}),
  )
}

const delegate = (overrides: TestOverrides) => () => ca.ocspSigner(overrides)

describe('an OCSP response is believed', () => {
  for (const status of [
    { kind: 'good' },
    { kind: 'unknown' },
    { kind: 'revoked', at: Date.UTC(2025, 11, 31), reason: 'keyCompromise' },
  ] as const satisfies readonly CertStatus[]) {
    it(`that says ${status.kind}, with its times and who said it`, async () => {
      const checked = check(await respond({ status }))
      assert.deepEqual(checked.status, status)
      assert.deepEqual(
        [checked.thisUpdate, checked.nextUpdate, checked.producedAt],
        [ca.at, ca.at + hour, ca.at],
      )
      assert.ok(checked.responder.subject.equals(responder.certificate.subject))
    })
  }

  it('about a certificate in either hash, and then the worst counts', async () => {
    check(await respond({ hash: 'sha1' }))
    const issuer = ca.issuing.certificate
    const revoked = { kind: 'revoked', at: ca.at, reason: 'superseded' } as const
    const answers = ([{ kind: 'good' }, revoked, { kind: 'unknown' }] as const).map((status, index) => ({
      certId: certIdOf({ issuer, serial: leaf.serial, hash: index === 1 ? 'sha1' : 'sha256' }),
      status,
      thisUpdate: ca.at,
      nextUpdate: ca.at + hour,
    }))
    const request = { responder: responder.certificate, producedAt: ca.at, answers }
    assert.deepEqual(check(await signOcspResponse(request, responder.signer)).status, revoked)
  })

  it('of the issuer itself', async () => {
    const checked = check(await respond({ by: ca.issuing }))
    assert.equal(checked.responder, ca.issuing.certificate)
  })

  it('at both ends of its time, and beyond them by as much as clocks may differ', async () => {
    const der = await respond()
    check(der, { at: ca.at })
    check(der, { at: ca.at + hour })
    check(der, { at: ca.at - minute, clockSkew: minute })
    check(der, { at: ca.at + hour + minute, clockSkew: minute })
  })

  it('with the nonce that was sent, or any where none was', async () => {
    check(await respond({ nonce }), { nonce })
    check(await respond({ nonce }))
  })

  it('of a responder of every algorithm', async () => {
    for (const algorithm of Object.keys(keyAlgorithms) as (keyof typeof keyAlgorithms)[]) {
      check(await respond({ by: await ca.ocspSigner({ algorithm }) }))
    }
  })
})

describe('an OCSP response is refused', () => {
  it('that is an error', () => refused('OCSP_UNSUCCESSFUL', () => check(ocspErrorResponse('tryLater'))))

  it('about another certificate', async () => {
    const other = (await ca.leaf('nexus')).certificate
    const der = await respond({ about: other })
    refused('OCSP_CERTIFICATE_MISMATCH', () => check(der))
  })

  it('about the same serial of another issuer', async () => {
    const der = await respond({ issuer: ca.root.certificate })
    refused('OCSP_CERTIFICATE_MISMATCH', () => check(der))
  })

  it('for a leaf of another issuer', async () => {
    const der = await respond()
    const other = await TestCa.create({ trustDomain: 'other.datapunk' })
    const foreign = (await other.leaf('lake', { serial: leaf.serialBytes })).certificate
    refused('OCSP_CERTIFICATE_MISMATCH', () => check(der, { leaf: foreign }))
  })

  for (const [why, make, code] of [
    ['another leaf of that issuer', () => ca.leaf('nexus'), 'OCSP_RESPONDER_UNAUTHORIZED'],
    [
      'a delegate that may do everything',
      delegate({
        extensions: { extendedKeyUsage: testExtension.extendedKeyUsage([oids.anyExtendedKeyUsage]) },
      }),
      'OCSP_RESPONDER_UNAUTHORIZED',
    ],
    [
      'a delegate without an extended key usage',
      delegate({ extensions: { extendedKeyUsage: null } }),
      'OCSP_RESPONDER_UNAUTHORIZED',
    ],
    [
      'a delegate that is a CA',
      delegate({ extensions: { basicConstraints: testExtension.basicConstraints(true) } }),
      'OCSP_RESPONDER_UNAUTHORIZED',
    ],
    [
      'a delegate whose key may not sign',
      delegate({ extensions: { keyUsage: testExtension.keyUsage(['keyAgreement']) } }),
      'OCSP_RESPONDER_UNAUTHORIZED',
    ],
    ['a delegate of the root', () => ca.ocspSigner({}, ca.root), 'OCSP_RESPONDER_UNAUTHORIZED'],
  ] as const satisfies readonly (readonly [string, () => Promise<TestIdentity>, string])[]) {
    it(`of ${why}`, async () => {
      const der = await respond({ by: await make() })
      refused(code, () => check(der))
    })
  }

  for (const [why, make, code] of [
    [
      'a delegate of the same name above, and another key',
      async () => ca.ocspSigner({}, (await TestCa.create()).issuing),
      'SIGNATURE_INVALID',
    ],
    ['a delegate that has expired', delegate({ notAfter: Date.UTC(2026, 0, 1) }), 'CERTIFICATE_EXPIRED'],
    [
      'a delegate that is not valid yet',
      delegate({ notBefore: Date.UTC(2026, 0, 2) }),
      'CERTIFICATE_NOT_YET_VALID',
    ],
    ['a delegate of version 1', delegate({ version: 1 }), 'CERTIFICATE_MALFORMED'],
    [
      'a delegate with an unknown critical extension',
      delegate({ extensions: { unknown: testExtension.raw('1.2.3', Uint8Array.of(5, 0), true) } }),
      'UNKNOWN_CRITICAL_EXTENSION',
    ],
    [
      'a delegate whose extended key usage is critical',
      delegate({
        extensions: { extendedKeyUsage: testExtension.extendedKeyUsage([oids.ocspSigning], true) },
      }),
      'CERTIFICATE_UNFIT',
    ],
  ] as const satisfies readonly (readonly [string, () => Promise<TestIdentity>, string])[]) {
    it(`of ${why}`, async () => {
      await assert.rejects(async () => check(await respond({ by: await make() })), { code })
    })
  }

  it('whose responder does not come along', async () => {
    const response = parseOcspResponse(await respond())
    assert.ok(response.status === 'successful')
    const alone = { ...response, certificates: [ca.root.certificate] }
    refused('OCSP_RESPONDER_UNAUTHORIZED', () =>
      checkOcspResponse({
        response: alone,
        leaf,
        issuer: ca.issuing.certificate,
        at: ca.at,
        clockSkew: 0,
      }),
    )
  })

  it('of any of whose signed octets one was changed', async () => {
    const response = parseOcspResponse(await respond({ nonce }))
    assert.ok(response.status === 'successful')
    for (let at = 0; at < response.tbs.length; at++) {
      const tbs = response.tbs.with(at, (response.tbs[at] as number) ^ 1)
      const issuer = ca.issuing.certificate
      refused('SIGNATURE_INVALID', () =>
        checkOcspResponse({ response: { ...response, tbs }, leaf, issuer, at: ca.at, clockSkew: 0 }),
      )
    }
  })

  it('of the future', async () => {
    const der = await respond()
    refused('OCSP_NOT_YET_VALID', () => check(der, { at: ca.at - 1 }))
    refused('OCSP_NOT_YET_VALID', () => check(der, { at: ca.at - minute - 1, clockSkew: minute }))
  })

  it('that is stale', async () => {
    const der = await respond()
    refused('OCSP_STALE', () => check(der, { at: ca.at + hour + 1 }))
    refused('OCSP_STALE', () => check(der, { at: ca.at + hour + minute + 1, clockSkew: minute }))
  })

  it('that has no next update', async () => {
    const response = parseOcspResponse(await respond())
    assert.ok(response.status === 'successful')
    const answers = response.answers.map((answer) => ({ ...answer, nextUpdate: undefined }))
    const issuer = ca.issuing.certificate
    refused('OCSP_STALE', () =>
      checkOcspResponse({ response: { ...response, answers }, leaf, issuer, at: ca.at, clockSkew: 0 }),
    )
  })

  it('with another nonce than was sent, or with none', async () => {
    for (const said of [{ nonce: nonce.with(0, 8) }, {}]) {
      const der = await respond(said)
      refused('OCSP_NONCE_MISMATCH', () => check(der, { nonce }))
    }
  })

  it('at no time that is one', async () => {
    const der = await respond()
    assert.throws(() => check(der, { at: Number.NaN }), TypeError)
    assert.throws(() => check(der, { clockSkew: Number.NaN }), TypeError)
    assert.throws(() => check(der, { clockSkew: -1 }), TypeError)
  })

  it('that checkOcspResponse did not check', async () => {
    const checked = check(await respond())
    const Forged = checked.constructor as typeof CheckedOcsp
    const answer = { ...checked, certId: certIdOf({ issuer: leaf, serial: '01', hash: 'sha1' }) }
    assert.throws(() => new Forged(Symbol('checkOcspResponse'), answer, checked), TypeError)
  })
})
