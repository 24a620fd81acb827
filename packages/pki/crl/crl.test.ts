import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { TestCa, testExtension } from '@datapunk/testkit'
import fc from 'fast-check'
import { derBudget } from '../der/budget.ts'
import { encodeDer } from '../der/writer.ts'
import { keyAlgorithms } from '../keys/key-algorithm.ts'
import { oids } from '../oids.ts'
import { PkiError, type PkiErrorCode } from '../pki-error.ts'
import { encodeSigned } from '../signed.ts'
import { parseCrl } from './crl.ts'
import { RevokedEntries } from './revoked-entries.ts'
import { encodeRevokedEntry } from './revoked-entry.ts'

let ca: TestCa
before(async () => {
  ca = await TestCa.create()
})

function hex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'))
}

const keyIdentifier = (critical = false): Uint8Array =>
  testExtension.authorityKeyIdentifier(ca.issuing.signer.spki, critical)
const number = testExtension.raw(oids.crlNumber, hex('020105'))
const base = testExtension.raw(oids.deltaCrlIndicator, hex('020104'), true)
const freshest = hex('3018 3016 a014 a012 8610 687474703a2f2f612e622f632e63726c')

interface Parts {
  readonly version?: Uint8Array
  readonly nextUpdate?: Uint8Array
  /** Content of `revokedCertificates`; left out, there is none. */
  readonly entries?: Uint8Array
  readonly extensions?: readonly Uint8Array[] | null
  readonly outerAlgorithm?: Uint8Array
}

/** A list with a signature that is none: nothing here looks at it. */
function list(parts: Parts = {}): Uint8Array {
  const { signatureIdentifier } = keyAlgorithms['ecdsa-p256']
  const { extensions = [keyIdentifier(), number], version = hex('020101') } = parts
  const tbs = encodeDer((der) =>
    der.sequence(() => {
      der.raw(version)
      der.raw(signatureIdentifier)
      der.raw(ca.issuing.certificate.subject.der)
      der.time(ca.at)
      der.raw(parts.nextUpdate ?? encodeDer((next) => next.time(ca.at + 1000)))
      const { entries } = parts
      if (entries !== undefined) der.sequence(() => der.raw(entries))
      if (extensions === null) return
      der.explicit(0, () =>
        der.sequence(() => {
          for (const extension of extensions) der.raw(extension)
        }),
      )
    }),
  )
  return encodeSigned(tbs, parts.outerAlgorithm ?? signatureIdentifier, new Uint8Array(70))
}

function refused(code: PkiErrorCode, parts: Parts): void {
  assert.throws(
    () => parseCrl(list(parts)),
    (error) => error instanceof PkiError && error.code === code,
    JSON.stringify(parts),
  )
}

const entry = encodeRevokedEntry({ serial: Uint8Array.of(7), at: 0, reason: 'keyCompromise' })
const time = '170d 3730303130313030303030305a'

describe('reading a list', () => {
  it('takes the one that everything else here is changed from', () => {
    const crl = parseCrl(list({ entries: entry }))
    assert.deepEqual([crl.number, crl.base, crl.entries.count, crl.freshest], [5n, undefined, 1, []])
  })

  it('refuses what is not version 2', () => {
    refused('CRL_MALFORMED', { version: hex('020100') })
    refused('CRL_MALFORMED', { version: hex('020102') })
    refused('DER_INVALID', { version: new Uint8Array(0) })
  })

  it('refuses lists without a next update, without extensions and with an empty list', () => {
    refused('DER_INVALID', { nextUpdate: new Uint8Array(0) })
    refused('CRL_MALFORMED', { extensions: null })
    refused('EXTENSION_MALFORMED', { extensions: [] })
    refused('CRL_MALFORMED', { entries: new Uint8Array(0) })
  })

  it('refuses another algorithm outside than inside', () => {
    refused('CRL_MALFORMED', { outerAlgorithm: keyAlgorithms.ed25519.signatureIdentifier })
  })

  it('refuses octets after the end and beginnings', () => {
    const whole = list({ entries: entry })
    assert.throws(() => parseCrl(Uint8Array.of(...whole, 0)), { code: 'DER_INVALID' })
    for (let end = 0; end < whole.length; end++) {
      assert.throws(() => parseCrl(whole.subarray(0, end)), { code: 'DER_INVALID' })
    }
  })

  it('refuses more octets than the budget', () => {
    assert.throws(() => parseCrl(list(), 100), { code: 'DER_BUDGET_EXCEEDED' })
    assert.throws(() => parseCrl(new Uint8Array(derBudget.crlBytes + 1)), { code: 'DER_BUDGET_EXCEEDED' })
  })

  it('is not moved by octets changed after it was read', () => {
    const der = list({ entries: entry })
    const crl = parseCrl(der)
    der.fill(0)
    assert.equal(crl.entries.find(Uint8Array.of(7))?.reason, 'keyCompromise')
  })
})

describe('extensions of a list', () => {
  const point = (value: string, critical = true): readonly Uint8Array[] => [
    keyIdentifier(),
    number,
    testExtension.raw(oids.issuingDistributionPoint, hex(value), critical),
  ]

  it('are needed, once, and as critical as the standard says', () => {
    for (const extensions of [
      [number],
      [keyIdentifier()],
      [keyIdentifier(), number, number],
      [keyIdentifier(true), number],
      [testExtension.raw(oids.authorityKeyIdentifier, hex('3000')), number],
      [keyIdentifier(), testExtension.raw(oids.crlNumber, hex('020105'), true)],
      [keyIdentifier(), number, testExtension.raw(oids.deltaCrlIndicator, hex('020104'))],
      [keyIdentifier(), number, testExtension.raw(oids.freshestCrl, freshest, true)],
    ]) {
      refused('EXTENSION_MALFORMED', { extensions })
    }
  })

  it('have numbers that are not negative and fit 20 octets', () => {
    for (const value of ['0201ff', `0215 00ff${'00'.repeat(19)}`, '02020005', '0200']) {
      refused('EXTENSION_MALFORMED', {
        extensions: [keyIdentifier(), testExtension.raw(oids.crlNumber, hex(value))],
      })
    }
  })

  it('make a delta, in which there is no place of deltas', () => {
    assert.equal(parseCrl(list({ extensions: [keyIdentifier(), number, base] })).base, 4n)
    const place = testExtension.raw(oids.freshestCrl, freshest)
    assert.deepEqual(parseCrl(list({ extensions: [keyIdentifier(), number, place] })).freshest, [
      'http://a.b/c.crl',
    ])
    refused('EXTENSION_MALFORMED', { extensions: [keyIdentifier(), number, base, place] })
  })

  it('have an issuing distribution point that says one thing', () => {
    const named = (...more: string[]): string => {
      const content = `a006 a004 8602 613a${more.join('')}`.replaceAll(' ', '')
      return `30${(content.length / 2).toString(16).padStart(2, '0')}${content}`
    }
    assert.deepEqual(parseCrl(list({ extensions: point(named('8101ff')) })).scope, {
      der: hex(named('8101ff')),
      uris: ['a:'],
      onlyContains: 'user-certificates',
    })
    assert.equal(parseCrl(list({ extensions: point('30038201ff') })).scope?.onlyContains, 'ca-certificates')
    for (const value of [
      '3000',
      named('8101ff', '8201ff'),
      named('810100'),
      named('83020640'),
      named('8401ff'),
      named('8501ff'),
      '3004 a002 a000',
      '3006 a004 a102 3000',
    ]) {
      refused('EXTENSION_MALFORMED', { extensions: point(value) })
    }
    refused('EXTENSION_MALFORMED', { extensions: point(named(), false) })
  })

  it('that are unknown are skipped, and refused when critical', () => {
    const unknown = (critical: boolean) => testExtension.raw('1.2.3', hex('0500'), critical)
    parseCrl(list({ extensions: [keyIdentifier(), number, unknown(false)] }))
    refused('UNKNOWN_CRITICAL_EXTENSION', { extensions: [keyIdentifier(), number, unknown(true)] })
  })
})

describe('entries of a list', () => {
  const withExtensions = (...extensions: Uint8Array[]): Uint8Array =>
    encodeDer((der) =>
      der.sequence(() => {
        der.raw(hex(`020107 ${time}`))
        der.sequence(() => {
          for (const extension of extensions) der.raw(extension)
        })
      }),
    )
  const reason = (value: string, critical = false) => testExtension.raw(oids.reasonCode, hex(value), critical)
  const invalidityDate = testExtension.raw('2.5.29.24', hex('180f 32303530303130313030303030305a'))

  for (const [what, entries] of [
    ['no serial', hex(`300f ${time}`)],
    ['a serial of zero', hex(`3012 020100 ${time}`)],
    ['a negative serial', hex(`3012 020180 ${time}`)],
    ['a serial that is not minimal', hex(`3013 02020001 ${time}`)],
    ['a serial of 21 octets', hex(`3026 0215${'01'.repeat(21)} ${time}`)],
    ['no time', hex('3003 020107')],
    ['a time without seconds', hex('3010 020107 170b 373030313031303030305a')],
    ['the 30th of February', hex('3012 020107 170d 3730303233303030303030305a')],
    ['a length that is not minimal', hex(`308112 020107 ${time}`)],
    ['an indefinite length', hex(`3080 020107 ${time} 0000`)],
    ['another tag', hex(`3112 020107 ${time}`)],
    ['more than there is', hex(`3013 020107 ${time}`)],
    ['more behind', hex(`3014 020107 ${time} 0500`)],
    ['no extensions in their list', hex(`3014 020107 ${time} 3000`)],
  ] as const) {
    it(`with ${what} are refused`, () => refused('DER_INVALID', { entries }))
  }

  it('with a reason that means nothing, or twice, are refused', () => {
    for (const value of ['0a0107', '0a010b', '0a01ff', '020101', '0a020001']) {
      refused('EXTENSION_MALFORMED', { entries: withExtensions(reason(value)) })
    }
    refused('EXTENSION_MALFORMED', { entries: withExtensions(reason('0a0101'), reason('0a0101')) })
  })

  it('may have other extensions, which are refused when critical', () => {
    const read = (...extensions: Uint8Array[]) =>
      parseCrl(list({ entries: withExtensions(...extensions) })).entries.find(Uint8Array.of(7))
    assert.equal(read(invalidityDate, reason('0a0101'))?.reason, 'keyCompromise')
    assert.equal(read(reason('0a0100'))?.reason, 'unspecified')
    assert.equal(read(reason('0a0101', true))?.reason, 'keyCompromise')
    // certificateIssuer, of a list about other issuers' certificates
    const issuer = testExtension.raw('2.5.29.29', hex('3000'), true)
    refused('UNKNOWN_CRITICAL_EXTENSION', { entries: withExtensions(reason('0a0101'), issuer) })
  })

  it('take back, and say a thing once, in a delta', () => {
    const removal = encodeRevokedEntry({ serial: Uint8Array.of(7), at: 0, reason: 'removeFromCRL' })
    const extensions = [keyIdentifier(), number, base]
    parseCrl(list({ extensions, entries: removal }))
    refused('CRL_MALFORMED', { entries: removal })
    const twice = Uint8Array.of(...removal, ...entry)
    refused('CRL_MALFORMED', { extensions, entries: twice })
    parseCrl(list({ entries: Uint8Array.of(...entry, ...entry) }))
  })

  it('are counted, of whatever shape they are', () => {
    const large = withExtensions(testExtension.raw('1.2.3', new Uint8Array(300)), reason('0a0104'))
    const late = encodeRevokedEntry({ serial: Uint8Array.of(0, 0x81), at: Date.UTC(2050, 0, 1) })
    const entries = new RevokedEntries(Uint8Array.of(...large, ...late, ...entry))
    assert.deepEqual([entries.count, entries.latest], [3, Date.UTC(2050, 0, 1)])
    assert.deepEqual([...entries.reasons], ['superseded', 'unspecified', 'keyCompromise'])
    assert.equal(entries.find(Uint8Array.of(0, 0x81))?.at, Date.UTC(2050, 0, 1))
    assert.deepEqual(entries.repeated, Uint8Array.of(7))
    assert.equal(entries.find(Uint8Array.of(7))?.reason, 'superseded')
    assert.deepEqual([...new RevokedEntries(new Uint8Array(0)).reasons], [])
  })

  it('that were read before are what reading anew says, whatever came between and behind', () => {
    const one = fc.constantFrom(
      entry,
      encodeRevokedEntry({ serial: Uint8Array.of(8), at: 2000, reason: 'superseded' }),
      encodeRevokedEntry({ serial: Uint8Array.of(9, 9), at: 1000 }),
      Uint8Array.of(0x30, 0),
    )
    const change = fc.option(fc.tuple(fc.nat(), fc.nat(255)), { nil: undefined })
    fc.assert(
      fc.property(fc.array(fc.array(one, { maxLength: 3 }), { maxLength: 4 }), change, (parts, change) => {
        const known = parts.flatMap((part) => {
          try {
            return [new RevokedEntries(Buffer.concat(part))]
          } catch {
            return []
          }
        })
        const octets = Buffer.concat(parts.flat())
        if (change !== undefined && octets.length > 0) octets[change[0] % octets.length] = change[1]
        const summary = (before: readonly RevokedEntries[]) => {
          const { count, latest, reasons } = new RevokedEntries(octets, before)
          return { count, latest, reasons }
        }
        assert.deepEqual(
          outcome(() => summary(known)),
          outcome(() => summary([])),
        )
      }),
      { numRuns: 2000 },
    )
  })

  it('are found by the whole of their serials', () => {
    const serial = fc
      .array(fc.nat(255), { maxLength: 2 })
      .chain((rest) => fc.integer({ min: 1, max: 3 }).map((first) => Uint8Array.of(first, ...rest)))
    fc.assert(
      fc.property(
        fc.array(serial, { maxLength: 20 }),
        fc.array(serial, { maxLength: 20 }),
        (listed, others) => {
          const entries = RevokedEntries.of(...listed.map((each) => ({ serial: each, at: 0 })))
          for (const each of [...listed, ...others, ...listed.map((one) => one.subarray(0, 1))]) {
            const isListed = listed.some((one) => Buffer.compare(one, each) === 0)
            assert.equal(entries.find(each) !== undefined, isListed)
          }
        },
      ),
    )
  })

  it('whose serials were chosen to collide are refused, soon', () => {
    // The hash has no secret: serials for the first 512 of 2^17 slots are found by trying.
    const colliding: Uint8Array[] = []
    for (let serial = 0; colliding.length < 3000; serial++) {
      const octets = Uint8Array.of(1, serial >> 16, (serial >> 8) & 0xff, serial & 0xff)
      let value = 0x811c9dc5
      for (const octet of octets) value = Math.imul(value ^ octet, 0x0100_0193)
      if (((value ^ (value >>> 15)) & 0x1_fe00) === 0) colliding.push(octets)
    }
    const others = Array.from({ length: 40_000 }, (_, index) =>
      Uint8Array.of(2, index >> 16, (index >> 8) & 0xff, index & 0xff),
    )
    const all = Buffer.concat(
      [...colliding, ...others].map((serial) => encodeRevokedEntry({ serial, at: 0 })),
    )
    const entries = new RevokedEntries(all)
    assert.throws(() => entries.find(Uint8Array.of(1)), { code: 'DER_BUDGET_EXCEEDED' })
  })

  it('of the usual shape are read as the grammar reads them, whatever is changed in them', () => {
    const change = fc.tuple(fc.nat(), fc.nat(255))
    fc.assert(
      fc.property(
        fc.constantFrom(entry, entry.subarray(0, 20)),
        fc.array(change, { maxLength: 3 }),
        (usual, changes) => {
          const octets = new Uint8Array(usual)
          if (usual.length === 20) octets[1] = 18
          for (const [at, value] of changes) octets[at % octets.length] = value
          const scanned = outcome(() => {
            const { latest, reasons } = new RevokedEntries(octets)
            return { at: latest, reason: [...reasons][0] }
          })
          const read = outcome(() => {
            const [first, ...more] = new RevokedEntries(octets)
            assert.deepEqual(more, [])
            return { at: first?.at, reason: first?.reason }
          })
          assert.deepEqual(scanned, read)
        },
      ),
      { numRuns: 5000 },
    )
  })
})

function outcome(act: () => object): object | string {
  try {
    return act()
  } catch (error) {
    if (error instanceof PkiError) return error.code
    throw error
  }
}
