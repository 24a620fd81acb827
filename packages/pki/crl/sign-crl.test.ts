import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { TestCa } from '@datapunk/testkit'
import fc from 'fast-check'
import { encodeDer } from '../der/writer.ts'
import { writeCrlDistributionPoint } from '../extensions/crl-distribution-points.ts'
import { keyIdentifierOf } from '../extensions/key-identifiers.ts'
import type { RevocationReason } from '../extensions/reason-code.ts'
import { generateKeyPair, type KeyAlgorithm } from '../keys/key-algorithm.ts'
import { localSigner } from '../keys/signer.ts'
import { hexText } from '../octets.ts'
import { checkCrl } from './check-crl.ts'
import { parseCrl } from './crl.ts'
import { RevokedEntries } from './revoked-entries.ts'
import { encodeRevokedEntry } from './revoked-entry.ts'
import { signCrl } from './sign-crl.ts'
import type { CrlRequest } from './tbs-crl.ts'

const hour = 60 * 60 * 1000
const uri = 'http://crl.service.datapunk/issuing-1/7.crl'
let ca: TestCa
before(async () => {
  ca = await TestCa.create()
})

const sign = (request: Partial<CrlRequest> = {}): Promise<Uint8Array> =>
  signCrl(
    {
      issuer: ca.issuing.certificate,
      number: 1n,
      thisUpdate: ca.at,
      nextUpdate: ca.at + hour,
      entries: [],
      ...request,
    },
    ca.issuing.signer,
  )

describe('encoding an entry', () => {
  const encode = (...args: Parameters<typeof encodeRevokedEntry>): string =>
    hexText(encodeRevokedEntry(...args))
  const serial = Uint8Array.of(0x81, 2)

  it('leaves the reason out when there is none to say', () => {
    const plain = '3014 02 03 008102 17 0d 3236303130313030303030305a'.replaceAll(' ', '')
    assert.equal(encode({ serial, at: Date.UTC(2026, 0, 1) }), plain)
    assert.equal(encode({ serial, at: Date.UTC(2026, 0, 1, 0, 0, 0, 999), reason: 'unspecified' }), plain)
  })

  it('says the reason in an extension that is not critical', () => {
    assert.match(
      encode({ serial, at: Date.UTC(2026, 0, 1), reason: 'superseded' }),
      /^3022.*300c300a0603551d1504030a0104$/,
    )
  })

  it('has a GeneralizedTime from 2050 on', () => {
    assert.match(encode({ serial, at: Date.UTC(2049, 11, 31) }), /170d343931323331/)
    assert.match(encode({ serial, at: Date.UTC(2050, 0, 1) }), /180f3230353030313031/)
  })

  it('refuses serials and times that no entry can say', () => {
    for (const bad of [new Uint8Array(16), new Uint8Array(20).fill(0x80), new Uint8Array(0)]) {
      assert.throws(() => encode({ serial: bad, at: 0 }), { code: 'PROFILE_INVALID' })
    }
    for (const at of [Number.NaN, Date.UTC(1949, 0, 1), Date.UTC(10_000, 0, 1)]) {
      assert.throws(() => encode({ serial, at }), { code: 'PROFILE_INVALID' })
    }
  })
})

describe('signing a list', () => {
  it('writes what was asked for', async () => {
    const entries = [
      RevokedEntries.of({ serial: Uint8Array.of(5), at: ca.at - hour, reason: 'keyCompromise' }),
      RevokedEntries.of({ serial: Uint8Array.of(1, 0x80), at: ca.at }),
    ]
    const scope = { uri, onlyContains: 'user-certificates' } as const
    const freshest = 'http://crl.service.datapunk/issuing-1/7-delta.crl'
    const crl = parseCrl(await sign({ number: 0x80n, entries, scope, freshest }))
    assert.ok(crl.issuer.equals(ca.issuing.certificate.subject))
    assert.deepEqual(
      [crl.number, crl.base, crl.thisUpdate, crl.nextUpdate, crl.freshest],
      [0x80n, undefined, ca.at, ca.at + hour, [freshest]],
    )
    assert.deepEqual([crl.scope?.uris, crl.scope?.onlyContains], [[uri], 'user-certificates'])
    assert.deepEqual(crl.authorityKeyIdentifier, keyIdentifierOf(ca.issuing.signer.spki))
    assert.deepEqual(
      [...crl.entries],
      [
        { serial: Uint8Array.of(5), at: ca.at - hour, reason: 'keyCompromise' },
        { serial: Uint8Array.of(1, 0x80), at: ca.at, reason: 'unspecified' },
      ],
    )
  })

  it('is the same for entries one by one and in one piece', async () => {
    const revoked = [1, 2, 3].map((serial) => ({ serial: Uint8Array.of(serial), at: ca.at }))
    const one = RevokedEntries.of(...revoked)
    const lists = [[one], revoked.map((each) => RevokedEntries.of(each)), [RevokedEntries.of(), one]]
    const signed = await Promise.all(lists.map(async (list) => parseCrl(await sign({ entries: list })).tbs))
    assert.deepEqual(signed[1], signed[0])
    assert.deepEqual(signed[2], signed[0])
  })

  it('has the name of the distribution point exactly as certificates have it', async () => {
    const point = encodeDer((der) => writeCrlDistributionPoint(der, uri))
    // Without the headers of the list of points, and of the point: the DistributionPointName in its [0].
    const name = Buffer.from(point.subarray(4))
    assert.equal(name[0], 0xa0)
    const { scope } = parseCrl(await sign({ scope: { uri } }))
    assert.ok(Buffer.from(scope?.der ?? assert.fail()).includes(name))
  })

  it('works with every kind of key', async () => {
    const algorithms: KeyAlgorithm[] = ['rsa', 'ecdsa-p256', 'ecdsa-p384', 'ed25519', 'ml-dsa-65']
    for (const algorithm of algorithms) {
      const { issuing, at } = await TestCa.create({ algorithm })
      const times = { thisUpdate: at, nextUpdate: at + hour }
      const issuer = issuing.certificate
      const der = await signCrl({ issuer, number: 1, ...times, entries: [] }, issuing.signer)
      assert.deepEqual(checkCrl(parseCrl(der), { issuer, at }).statusOf(Uint8Array.of(1), at), {
        revoked: false,
      })
    }
  })

  it('refuses numbers and times that no list can say', async () => {
    for (const number of [-1, 0.5, Number.NaN, 2 ** 53, -1n, 1n << 159n]) {
      await assert.rejects(sign({ number }), { code: 'PROFILE_INVALID' }, String(number))
    }
    assert.equal(parseCrl(await sign({ number: (1n << 159n) - 1n })).number, (1n << 159n) - 1n)
    for (const nextUpdate of [ca.at, ca.at - 1, Number.NaN, Date.UTC(10_000, 0, 1)]) {
      await assert.rejects(sign({ nextUpdate }), { code: 'PROFILE_INVALID' }, String(nextUpdate))
    }
  })

  it('refuses octets that are no entries', () => {
    assert.throws(() => new RevokedEntries(Uint8Array.of(0x30, 0)), { code: 'DER_INVALID' })
  })

  it('refuses another key than the issuer has, and signatures that are wrong', async () => {
    const { privateKey } = await generateKeyPair('ecdsa-p256')
    const other = localSigner(privateKey)
    const request = {
      issuer: ca.issuing.certificate,
      number: 1,
      thisUpdate: ca.at,
      nextUpdate: ca.at + hour,
      entries: [],
    }
    await assert.rejects(signCrl(request, other), { code: 'SIGNER_MISMATCH' })
    await assert.rejects(signCrl(request, { ...other, spki: ca.issuing.signer.spki }), {
      code: 'SIGNATURE_INVALID',
    })
  })
})

it('whatever is put on a list is found again', async () => {
  const reason = fc.constantFrom<RevocationReason>(
    'unspecified',
    'keyCompromise',
    'certificateHold',
    'aACompromise',
  )
  const serial = fc
    .uint8Array({ minLength: 1, maxLength: 19 })
    .filter((octets) => octets.some((octet) => octet > 0))
  const seconds = fc.integer({ min: Date.UTC(1950, 0, 1) / 1000, max: Date.UTC(9998, 0, 1) / 1000 })
  const entry = fc.record({ serial, reason, at: seconds.map((at) => at * 1000) })
  await fc.assert(
    fc.asyncProperty(
      fc.array(entry, { maxLength: 30 }),
      fc.bigInt(0n, (1n << 159n) - 1n),
      async (all, number) => {
        const thisUpdate = Math.max(ca.at, ...all.map(({ at }) => at))
        const entries = [RevokedEntries.of(...all)]
        const crl = parseCrl(await sign({ number, entries, thisUpdate, nextUpdate: thisUpdate + hour }))
        assert.equal(crl.number, number)
        const listed = [...crl.entries]
        assert.deepEqual(
          listed.map(({ at, reason }) => ({ at, reason })),
          all.map(({ at, reason }) => ({ at, reason })),
        )
        for (const { serial } of listed) assert.deepEqual(crl.entries.find(serial)?.serial, serial)
        assert.equal(crl.entries.find(new Uint8Array(21).fill(1)), undefined)
      },
    ),
    { numRuns: 100 },
  )
})
