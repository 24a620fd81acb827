import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { TestCa, type TestIdentity } from '@datapunk/testkit'
import fc from 'fast-check'
import { hexText } from '../octets.ts'
import { oids } from '../oids.ts'
import { certIdOf } from './cert-id.ts'
import type { CertStatus, OcspRevocationReason } from './cert-status.ts'
import type { OcspAnswer } from './ocsp-answer.ts'
import { ocspBudget } from './ocsp-budget.ts'
import { type OcspErrorStatus, ocspErrorResponse } from './ocsp-error-response.ts'
import { type BasicOcspResponse, parseOcspResponse } from './ocsp-response.ts'
import { type OcspResponseRequest, signOcspResponse } from './sign-ocsp-response.ts'
import { writeTestResponse } from './testing/test-response.ts'

const hour = 60 * 60 * 1000

let ca: TestCa
let responder: TestIdentity
before(async () => {
  ca = await TestCa.create()
  responder = await ca.ocspSigner()
})

function answer(overrides: Partial<OcspAnswer> = {}): OcspAnswer {
  return {
    certId: certIdOf({ issuer: ca.issuing.certificate, serial: '0102', hash: 'sha256' }),
    status: { kind: 'good' },
    thisUpdate: ca.at,
    nextUpdate: ca.at + hour,
    ...overrides,
  }
}

function sign(overrides: Partial<OcspResponseRequest> = {}): Promise<Uint8Array> {
  const request = {
    responder: responder.certificate,
    producedAt: ca.at,
    answers: [answer()],
    ...overrides,
  }
  return signOcspResponse(request, responder.signer)
}

function parse(der: Uint8Array): BasicOcspResponse {
  const response = parseOcspResponse(der)
  return response.status === 'successful' ? response : assert.fail(response.status)
}

const reasons: readonly OcspRevocationReason[] = [
  'unspecified',
  'keyCompromise',
  'caCompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  'privilegeWithdrawn',
  'aACompromise',
]

describe('OCSP responses', () => {
  it('come back as they were said, in whole seconds', async () => {
    const second = fc.integer({ min: 0, max: 4_000_000_000 })
    const status = fc.oneof(
      fc.constantFrom<CertStatus>({ kind: 'good' }, { kind: 'unknown' }),
      fc
        .tuple(second, fc.constantFrom(...reasons))
        .map(([at, reason]): CertStatus => ({ kind: 'revoked', at: at * 1000, reason })),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(status, { minLength: 1, maxLength: 3 }),
        fc.tuple(second, second, second),
        fc.option(fc.uint8Array({ minLength: 1, maxLength: 128 }), { nil: undefined }),
        fc.boolean(),
        async (statuses, [producedAt, one, other], nonce, extendedRevoke) => {
          const times = { thisUpdate: Math.min(one, other) * 1000, nextUpdate: Math.max(one, other) * 1000 }
          const answers = statuses.map((status) => answer({ status, ...times }))
          const der = await sign({ producedAt: producedAt * 1000 + 999, answers, nonce, extendedRevoke })
          const read = parse(der)
          assert.deepEqual(read.answers, answers)
          assert.deepEqual(
            [read.producedAt, read.nonce, read.extendedRevoke],
            [producedAt * 1000, nonce, extendedRevoke],
          )
        },
      ),
      { numRuns: 60 },
    )
  })

  it('carry the certificate of their responder, and name it by its key', async () => {
    const { certificates, responderId } = parse(await sign())
    assert.deepEqual(
      certificates.map(({ der }) => hexText(der)),
      [hexText(responder.der)],
    )
    assert.equal(responderId.form === 'byKey' && responderId.keyHash.length, 20)
  })

  it('leave the reason out when it is unspecified, and extensions when there are none', async () => {
    const status = { kind: 'revoked', at: ca.at, reason: 'unspecified' } as const
    const der = await sign({ answers: [answer({ status })] })
    // revoked [1] { GeneralizedTime of 15 octets }, and nothing after it.
    assert.match(hexText(der), /a111180f32303236303130313030303030305a/)
    assert.deepEqual(parse(der).answers[0]?.status, status)
    // Nothing after the next update, [0] { GeneralizedTime }, of the last answer.
    const end = hexText(Buffer.from('20260101010000Z'))
    assert.ok(hexText(parse(der).tbs).endsWith(`a011180f${end}`))
  })

  for (const [status, code] of [
    ['malformedRequest', 1],
    ['internalError', 2],
    ['tryLater', 3],
    ['sigRequired', 5],
    ['unauthorized', 6],
  ] as const satisfies readonly (readonly [OcspErrorStatus, number])[]) {
    it(`say ${status} without a signature`, () => {
      const der = ocspErrorResponse(status)
      assert.deepEqual(der, Uint8Array.of(0x30, 3, 0x0a, 1, code))
      assert.deepEqual(parseOcspResponse(der), { status })
    })
  }

  it('are signed by the key of the responder, or not at all', async () => {
    const request = { responder: responder.certificate, producedAt: ca.at, answers: [answer()] }
    await assert.rejects(signOcspResponse(request, ca.issuing.signer), { code: 'SIGNER_MISMATCH' })
  })

  it('are not made without an answer, nor with times that nobody can write', async () => {
    await assert.rejects(sign({ answers: [] }), TypeError)
    await assert.rejects(sign({ answers: [answer({ nextUpdate: ca.at - 1 })] }), TypeError)
    await assert.rejects(sign({ answers: [answer({ nextUpdate: Number.NaN })] }), TypeError)
    await assert.rejects(sign({ producedAt: Number.NaN }), RangeError)
  })

  it('of others may name their responder by its name, and leave the next update out', async () => {
    const { responderId, answers, certificates } = parse(
      writeTestResponse({ byName: responder.certificate.subject.der, nextUpdate: undefined }),
    )
    assert.ok(responderId.form === 'byName' && responderId.name.equals(responder.certificate.subject))
    assert.deepEqual([answers[0]?.nextUpdate, certificates], [undefined, []])
  })

  for (const [why, fields, code] of [
    ['no answer', { answers: 0 }, 'OCSP_MALFORMED'],
    ['more answers than are read', { answers: ocspBudget.answers + 1 }, 'DER_BUDGET_EXCEEDED'],
    ['more certificates than are read', { certificates: ocspBudget.certificates + 1 }, 'DER_BUDGET_EXCEEDED'],
    ['something else than a certificate', { certificates: 1 }, 'DER_INVALID'],
    ['a fraction of a second', { thisUpdate: '20260101000000.5Z' }, 'DER_INVALID'],
    ['a next update before this one', { nextUpdate: '20251231235959Z' }, 'OCSP_MALFORMED'],
    [
      'the reason removeFromCRL',
      { status: 'a116180f32303236303130313030303030305aa0030a0108' },
      'OCSP_MALFORMED',
    ],
    ['a reason that is none', { status: 'a116180f32303236303130313030303030305aa0030a0107' }, 'DER_INVALID'],
    ['a good with content', { status: '800100' }, 'OCSP_MALFORMED'],
    ['a status that is none', { status: '8300' }, 'DER_INVALID'],
    ['a version that is the default', { version: 0 }, 'DER_INVALID'],
    ['another type', { type: '1.2.3' }, 'OCSP_MALFORMED'],
    ['a key hash of another length', { keyHash: 32 }, 'OCSP_MALFORMED'],
    ['an unknown critical extension', { critical: '1.2.3' }, 'UNKNOWN_CRITICAL_EXTENSION'],
    [
      'an unknown critical extension of an answer',
      { criticalInAnswer: '1.2.3' },
      'UNKNOWN_CRITICAL_EXTENSION',
    ],
    ['an extended revoke that is not NULL', { critical: oids.ocspExtendedRevoke }, 'DER_INVALID'],
  ] as const satisfies readonly (readonly [string, Parameters<typeof writeTestResponse>[0], string])[]) {
    it(`are refused with ${why}`, () => {
      assert.throws(() => parseOcspResponse(writeTestResponse(fields)), { code })
    })
  }

  for (const [why, hex] of [
    ['a status that is none', '30030a0104'],
    ['success without an answer', '30030a0100'],
    ['an error with an answer', '30070a0103a0020500'],
    ['a status that is no ENUMERATED', '3003020106'],
  ] as const) {
    it(`are refused with ${why}`, () => {
      assert.throws(() => parseOcspResponse(Buffer.from(hex, 'hex')), { name: 'PkiError' })
    })
  }
})
