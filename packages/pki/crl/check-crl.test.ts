import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { TestCa, type TestIdentity, testExtension } from '@datapunk/testkit'
import fc from 'fast-check'
import type { PkiErrorCode } from '../pki-error.ts'
import { type CrlExpectation, checkCrl, checkDelta, crlMark } from './check-crl.ts'
import type { CheckedCrl, CheckedDelta } from './checked-crl.ts'
import { combine } from './combine.ts'
import { type Crl, parseCrl } from './crl.ts'
import { RevokedEntries } from './revoked-entries.ts'
import type { RevocationRequest } from './revoked-entry.ts'
import { signCrl } from './sign-crl.ts'
import type { CrlRequest } from './tbs-crl.ts'

const hour = 60 * 60 * 1000
const shard = { uri: 'http://crl.service.datapunk/7.crl', onlyContains: 'user-certificates' } as const
const serial = Uint8Array.of(7)
let ca: TestCa
before(async () => {
  ca = await TestCa.create()
})

type ListRequest = Partial<Omit<CrlRequest, 'entries'>> & { readonly revoked?: readonly RevocationRequest[] }

/** Full list 5, of now and valid for an hour, unless told. */
async function list(
  { revoked = [], ...request }: ListRequest = {},
  by: TestIdentity = ca.issuing,
): Promise<Crl> {
  const times = { thisUpdate: ca.at, nextUpdate: ca.at + hour }
  const entries = [RevokedEntries.of(...revoked)]
  return parseCrl(
    await signCrl({ issuer: by.certificate, number: 5, ...times, entries, ...request }, by.signer),
  )
}

const check = (crl: Crl, expected: Partial<CrlExpectation> = {}): CheckedCrl =>
  checkCrl(crl, { issuer: ca.issuing.certificate, at: ca.at, ...expected })

const checkedDelta = async (request: ListRequest): Promise<CheckedDelta> =>
  checkDelta(await list({ number: 6, base: 5, ...request }), {
    issuer: ca.issuing.certificate,
    at: ca.at,
    scope: request.scope,
  })

function refuses(act: () => unknown, code: PkiErrorCode, said: RegExp): void {
  assert.throws(act, (error: { code?: string; message?: string }) => {
    assert.equal(error.code, code)
    assert.match(error.message ?? '', said)
    return true
  })
}

describe('a checked list', () => {
  it('is one of a CA that does not say what its key is for (RFC 5280 §6.3.3 (f))', async () => {
    const { certificate } = ca.issuing
    const silent = { ...certificate, extensions: { ...certificate.extensions, keyUsage: undefined } }
    assert.equal(check(await list(), { issuer: silent }).number, 5n)
  })

  it('answers for every serial', async () => {
    const revoked = [{ serial, at: ca.at - hour, reason: 'keyCompromise' as const }]
    const checked = check(await list({ revoked }))
    assert.deepEqual(checked.statusOf(serial, ca.at), {
      revoked: true,
      at: ca.at - hour,
      reason: 'keyCompromise',
    })
    assert.deepEqual(checked.statusOf(Uint8Array.of(8), ca.at), { revoked: false })
  })

  it('answers through the last moment, and never after', async () => {
    const checked = check(await list())
    assert.deepEqual(checked.statusOf(serial, ca.at + hour), { revoked: false })
    for (const at of [ca.at + hour + 1, Number.NaN]) {
      refuses(() => checked.statusOf(serial, at), 'CRL_STALE', /5 was to be replaced by 2026-01-01T01:00:00/)
    }
  })

  it('can be made by nobody else', async () => {
    const crl = await list()
    const Forged = check(crl).constructor as new (
      by: symbol,
      lists: readonly Crl[],
      spki: Uint8Array,
    ) => CheckedCrl
    assert.throws(() => new Forged(Symbol('check'), [crl], crl.der), TypeError)
    const lookalike = Object.create(Forged.prototype) as CheckedCrl
    assert.throws(() => lookalike.statusOf(serial, ca.at), TypeError)
    const ForgedDelta = (await checkedDelta({})).constructor as new (by: symbol, crl: Crl) => CheckedDelta
    assert.throws(() => new ForgedDelta(Symbol('check'), crl), TypeError)
  })
})

describe('instead of the list that was asked for, there is refused', () => {
  it('one of another issuer', async () => {
    const other = await ca.intermediate('other')
    const crl = await list({}, other)
    refuses(() => check(crl), 'CRL_ISSUER_MISMATCH', /is from CN=other, and one from CN=.*issuing CA/)
  })

  it('one of another issuer with the same key', async () => {
    const { privateKey, signer } = ca.issuing
    const keyPair = { privateKey, publicKey: privateKey }
    const twin = await ca.intermediate('twin', { keyPair })
    assert.deepEqual(twin.signer.spki, signer.spki)
    const crl = await list({}, twin)
    refuses(() => check(crl), 'CRL_ISSUER_MISMATCH', /CN=twin/)
  })

  it('one of the same name with another key', async () => {
    const subject = ca.issuing.certificate.subject.der
    const namesake = await ca.intermediate('namesake', { subject })
    const crl = await list({}, namesake)
    refuses(() => check(crl), 'AUTHORITY_KEY_MISMATCH', /is for the key [0-9a-f]{40} of its issuer, whose/)
    const { subjectKeyIdentifier } = ca.issuing.certificate.extensions
    const claims = { ...crl, authorityKeyIdentifier: subjectKeyIdentifier?.keyIdentifier ?? assert.fail() }
    refuses(() => check(claims), 'SIGNATURE_INVALID', /not signed by the key of CN=/)
  })

  it('one whose octets were changed after it was signed', async () => {
    const { der } = await list({ revoked: [{ serial, at: ca.at }] })
    const changed = new Uint8Array(der)
    changed[Buffer.from(der).indexOf(Buffer.from([2, 1, 7, 0x17])) + 2] = 8
    refuses(() => check(parseCrl(changed)), 'SIGNATURE_INVALID', /not signed/)
  })

  it('one of a CA that may not sign lists', async () => {
    const keyUsage = testExtension.keyUsage(['keyCertSign'])
    const { issuing } = await TestCa.create({ issuing: { extensions: { keyUsage } } })
    const allowed = { ...issuing.certificate, extensions: ca.issuing.certificate.extensions }
    const { subjectKeyIdentifier } = issuing.certificate.extensions
    const able = { ...allowed, extensions: { ...allowed.extensions, subjectKeyIdentifier } }
    const times = { thisUpdate: ca.at, nextUpdate: ca.at + hour }
    const der = await signCrl({ issuer: able, number: 5, ...times, entries: [] }, issuing.signer)
    refuses(() => check(parseCrl(der), { issuer: issuing.certificate }), 'KEY_USAGE_NOT_ALLOWED', /cRLSign/)
  })

  for (const [what, found, asked] of [
    ['of another shard', shard, { ...shard, uri: 'http://crl.service.datapunk/8.crl' }],
    ['of the other kind of certificate', shard, { ...shard, onlyContains: 'ca-certificates' as const }],
    ['of one kind, where both were asked for', shard, { uri: shard.uri }],
    ['of one shard, where all certificates were asked for', shard, undefined],
    ['of all certificates, where a shard was asked for', undefined, shard],
    ['of the same place in other letters', shard, { ...shard, uri: 'http://CRL.service.datapunk/7.crl' }],
  ] as const) {
    it(`one ${what}`, async () => {
      const crl = await list({ scope: found })
      refuses(() => check(crl, { scope: asked }), 'CRL_SCOPE_MISMATCH', /is about .*; asked for was /)
      check(crl, { scope: found })
    })
  }

  it('one that is stale, or not yet valid', async () => {
    const crl = await list()
    check(crl, { at: ca.at + hour })
    refuses(() => check(crl, { at: ca.at + hour + 1 }), 'CRL_STALE', /and it is 2026-01-01T01:00:00.001Z/)
    refuses(() => check(crl, { at: ca.at - 1 }), 'CRL_NOT_YET_VALID', /look at both clocks/)
    refuses(() => check(crl, { at: Number.NaN }), 'CRL_NOT_YET_VALID', /it is NaN/)
  })

  it('one with a lower number than the last, or with the same and other octets', async () => {
    const [four, five, another] = await Promise.all([
      list({ number: 4 }),
      list(),
      list({ thisUpdate: ca.at - hour }),
    ])
    check(five, { seen: crlMark(four) })
    check(five, { seen: crlMark(five) })
    refuses(() => check(four, { seen: crlMark(five) }), 'CRL_NUMBER_LOWER', /4 was found after the later 5/)
    refuses(() => check(another, { seen: crlMark(five) }), 'CRL_NUMBER_REUSED', /number 5/)
  })

  it('a delta, and a full list where a delta was asked for', async () => {
    const [full, delta] = await Promise.all([list(), list({ number: 6, base: 5 })])
    refuses(() => check(delta), 'CRL_KIND_MISMATCH', /a delta was found/)
    const expected = { issuer: ca.issuing.certificate, at: ca.at }
    refuses(() => checkDelta(full, expected), 'CRL_KIND_MISMATCH', /a full list was found/)
    refuses(() => checkDelta(delta, { ...expected, at: ca.at + 2 * hour }), 'CRL_STALE', /6/)
  })
})

describe('combining', () => {
  const held = { serial, at: 0, reason: 'certificateHold' } as const

  it('adds, changes and takes back what the delta says, and has its number and times', async () => {
    const others = [1, 2].map((number) => ({ serial: Uint8Array.of(number), at: 0 }))
    const full = check(await list({ revoked: [held, ...others], nextUpdate: ca.at + 3 * hour }))
    const revoked = [
      { ...held, reason: 'removeFromCRL' as const },
      { serial: Uint8Array.of(1), at: 1000, reason: 'superseded' as const },
      { serial: Uint8Array.of(3), at: 2000 },
    ]
    const combined = combine(full, await checkedDelta({ revoked, thisUpdate: ca.at - 1000 }))
    assert.deepEqual(
      [combined.number, combined.thisUpdate, combined.nextUpdate],
      [6n, ca.at - 1000, ca.at + hour],
    )
    const statuses = [7, 1, 2, 3, 4].map((number) => combined.statusOf(Uint8Array.of(number), ca.at))
    assert.deepEqual(statuses, [
      { revoked: false },
      { revoked: true, at: 1000, reason: 'superseded' },
      { revoked: true, at: 0, reason: 'unspecified' },
      { revoked: true, at: 2000, reason: 'unspecified' },
      { revoked: false },
    ])
    refuses(() => combined.statusOf(serial, ca.at + 2 * hour), 'CRL_STALE', /6/)
    assert.equal(full.statusOf(serial, ca.at).revoked, true)
  })

  it('goes on from what was combined, and drops deltas that are outdone', async () => {
    const full = check(await list())
    const sixth = combine(full, await checkedDelta({ revoked: [held] }))
    const back = [{ ...held, reason: 'removeFromCRL' as const }]
    const fromSixth = combine(sixth, await checkedDelta({ number: 7, base: 6, revoked: back }))
    assert.deepEqual(
      fromSixth.lists.map(({ number }) => number),
      [7n, 6n, 5n],
    )
    assert.deepEqual(fromSixth.statusOf(serial, ca.at), { revoked: false })
    const fromFifth = combine(fromSixth, await checkedDelta({ number: 8, base: 5, revoked: [held] }))
    assert.deepEqual(
      fromFifth.lists.map(({ number }) => number),
      [8n, 5n],
    )
    assert.equal(fromFifth.statusOf(serial, ca.at).revoked, true)
  })

  for (const [what, delta] of [
    ['made from a later list', { number: 7, base: 6 }],
    ['of the number of the full list', { number: 5, base: 4 }],
    ['of a lower number', { number: 4, base: 3 }],
  ] as const) {
    it(`refuses a delta ${what}`, async () => {
      const [full, other] = [check(await list()), await checkedDelta(delta)]
      refuses(() => combine(full, other), 'CRL_BASE_MISMATCH', /must be over 5, with a base of at most that/)
    })
  }

  it('refuses a delta of another scope, key or issuer', async () => {
    const full = check(await list())
    const sharded = await checkedDelta({ scope: shard })
    refuses(() => combine(full, sharded), 'CRL_SCOPE_MISMATCH', /another scope/)
    const of = async (by: TestIdentity) =>
      checkDelta(await list({ number: 6, base: 5 }, by), { issuer: by.certificate, at: ca.at })
    const other = await of(await ca.intermediate('other'))
    refuses(() => combine(full, other), 'CRL_ISSUER_MISMATCH', /from CN=other/)
    const namesake = await of(await ca.intermediate('', { subject: ca.issuing.certificate.subject.der }))
    refuses(() => combine(full, namesake), 'AUTHORITY_KEY_MISMATCH', /another key/)
  })

  it('says what a full list of the same moment says, whatever happened', async () => {
    const step = fc.record({
      serial: fc.integer({ min: 1, max: 6 }),
      back: fc.boolean(),
      publish: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const state = new Map<number, RevocationRequest>()
        const changed = new Map<number, RevocationRequest>()
        let number = 5
        let combined = check(await list())
        for (const { serial, back, publish } of steps) {
          const entry = { serial: Uint8Array.of(serial), at: ca.at - number * 1000 }
          if (back && state.delete(serial)) changed.set(serial, { ...entry, reason: 'removeFromCRL' })
          else if (!back) {
            state.set(serial, { ...entry, reason: 'certificateHold' })
            changed.set(serial, { ...entry, reason: 'certificateHold' })
          }
          if (!publish) continue
          number++
          combined = combine(combined, await checkedDelta({ number, revoked: [...changed.values()] }))
          const full = check(await list({ number, revoked: [...state.values()] }))
          for (let serial = 1; serial <= 6; serial++) {
            const of = (checked: CheckedCrl) => checked.statusOf(Uint8Array.of(serial), ca.at)
            assert.deepEqual(of(combined), of(full))
          }
        }
      }),
      { numRuns: 50 },
    )
  })
})
