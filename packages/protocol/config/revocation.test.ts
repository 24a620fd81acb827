import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from './parse.ts'
import { problemsOf } from './testing/problems-of.ts'

const textOf = (text: string) => `services: { a: {} }\nrevocation: { ${text} }`
const revocationOf = (text: string) => parseConfig(textOf(text), { file: 'x.yaml' }).revocation

test('revocation has defaults', () => {
  assert.deepEqual(revocationOf(''), { crlDays: 7, ocspDays: 3, deltas: false, shards: 1 })
})

for (const [key, good, bad, allowed] of [
  ['shards', [1, 16, 256], ['0', '257', '-1', '1.5', '"8"', 'null', 'true'], 'a whole number from 1 to 256'],
  ['deltas', [true, false], ['1', '"true"', 'null', 'yes'], 'true or false'],
  ['crl_days', [1, 90], ['0', '91', '0.5'], 'a whole number of days from 1 to 90'],
] as const) {
  test(`revocation.${key} is ${allowed}`, () => {
    for (const value of good) assert.ok(Object.values(revocationOf(`${key}: ${value}`)).includes(value))
    for (const value of bad) {
      assert.match(
        JSON.stringify(problemsOf(textOf(`${key}: ${value}`))),
        new RegExp(`${key}.*${allowed}`),
        value,
      )
    }
  })
}
