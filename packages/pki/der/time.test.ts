import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { tag } from './tag.ts'
import { decodeGeneralizedTime, decodeTime, encodeGeneralizedTime, encodeTime } from './time.ts'

const decode = (form: number, text: string): number | undefined =>
  decodeTime(form, new TextEncoder().encode(text))

describe('times', () => {
  it('come back in whole seconds, each in the form of its years', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: Date.UTC(1950, 0, 1) / 1000, max: Date.UTC(9999, 11, 31) / 1000 }),
        (seconds) => {
          const { tag: form, text } = encodeTime(seconds * 1000 + 999)
          assert.equal(decode(form, text), seconds * 1000)
          assert.equal(form, seconds * 1000 < Date.UTC(2050, 0, 1) ? tag.utcTime : tag.generalizedTime)
        },
      ),
    )
  })

  it('divide the two-digit years at 1950', () => {
    assert.equal(decode(tag.utcTime, '491231235959Z'), Date.UTC(2049, 11, 31, 23, 59, 59))
    assert.equal(decode(tag.utcTime, '500101000000Z'), Date.UTC(1950, 0, 1))
    assert.equal(decode(tag.generalizedTime, '99991231235959Z'), Date.UTC(9999, 11, 31, 23, 59, 59))
  })

  for (const [why, form, text] of [
    ['without seconds', tag.utcTime, '2601010000Z'],
    ['with an offset', tag.utcTime, '260101000000+0100'],
    ['without Z', tag.utcTime, '260101000000'],
    ['with a fraction', tag.generalizedTime, '20600101000000.5Z'],
    ['GeneralizedTime before 2050', tag.generalizedTime, '20260101000000Z'],
    ['the 30th of February', tag.utcTime, '260230000000Z'],
    ['the 29th of February of no leap year', tag.generalizedTime, '21000229000000Z'],
    ['month 13', tag.utcTime, '261301000000Z'],
    ['day 0', tag.utcTime, '260100000000Z'],
    ['hour 24', tag.utcTime, '260101240000Z'],
    ['second 60', tag.utcTime, '260101000060Z'],
    ['letters', tag.utcTime, '26010100000aZ'],
    ['another tag', tag.ia5String, '260101000000Z'],
  ] as const) {
    it(`are refused ${why}`, () => assert.equal(decode(form, text), undefined))
  }

  it('are GeneralizedTime in every year where there is no other form', () => {
    for (const text of ['19700101000000Z', '20260228235959Z', '20500101000000Z']) {
      const time = decodeGeneralizedTime(new TextEncoder().encode(text)) ?? assert.fail()
      assert.equal(encodeGeneralizedTime(time + 999), text)
    }
    for (const text of ['20260101000000.5Z', '202601010000Z', '00700101000000Z', '19491231235959Z', '']) {
      assert.equal(decodeGeneralizedTime(new TextEncoder().encode(text)), undefined)
    }
  })

  it('that no certificate can say are a RangeError', () => {
    for (const time of [Date.UTC(1949, 11, 31), Date.UTC(10_000, 0, 1), Number.NaN]) {
      assert.throws(() => encodeTime(time), RangeError)
    }
  })
})
