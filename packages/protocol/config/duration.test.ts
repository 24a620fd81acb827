import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Config } from './config.ts'
import { parseDuration } from './duration.ts'
import { parseConfig } from './parse.ts'
import { problemsOf } from './testing/problems-of.ts'

test('a duration is a whole number and one unit', () => {
  const good = { '0s': 0, '90s': 90_000, '5m': 300_000, '24h': 86_400_000, '7d': 604_800_000, '007s': 7000 }
  for (const [text, milliseconds] of Object.entries(good)) assert.equal(parseDuration(text), milliseconds)
  const bad = ['', 's', '5', '5ms', '5 s', ' 5s', '5s\n', '-5s', '+5s', '1.5h', '1h30m', '5S', '1e3s', '٥s']
  for (const text of [...bad, '1234567s']) assert.equal(parseDuration(text), undefined, JSON.stringify(text))
})

interface Setting {
  readonly section: string
  readonly key: string
  readonly read: (config: Config) => number
  /** Milliseconds. */
  readonly otherwise: number
  readonly least: readonly [text: string, milliseconds: number]
  readonly most: readonly [text: string, milliseconds: number]
  readonly outside: readonly string[]
}

const settings: readonly Setting[] = [
  {
    section: 'authority',
    key: 'clock_skew',
    read: ({ authority }) => authority.clockSkew,
    otherwise: 300_000,
    least: ['0s', 0],
    most: ['1h', 3_600_000],
    outside: ['61m', '1d', '-1s'],
  },
  {
    section: 'rotation',
    key: 'keep_previous',
    read: ({ rotation }) => rotation.keepPrevious,
    otherwise: 86_400_000,
    least: ['0s', 0],
    most: ['30d', 2_592_000_000],
    outside: ['31d', '721h'],
  },
]

for (const { section, key, read, otherwise, least, most, outside } of settings) {
  const textOf = (value: string) => `services: { a: {} }\n${section}:\n  ${key}: ${value}\n`

  describe(`${section}.${key}`, () => {
    test(`is ${otherwise} ms unless told, and from ${least[0]} to ${most[0]}`, () => {
      assert.equal(read(parseConfig('services: { a: {} }', { file: 'x.yaml' })), otherwise)
      for (const [text, milliseconds] of [least, most]) {
        assert.equal(read(parseConfig(textOf(text), { file: 'x.yaml' })), milliseconds)
      }
    })

    for (const text of [...outside, '5', '"5"', '5x', 'null', '[5m]', '""']) {
      test(`${text} is refused where it stands`, () => {
        const problems = problemsOf(textOf(text))
        assert.equal(problems.length, 1, JSON.stringify(problems))
        const { line, column, message } = problems[0]!
        assert.deepEqual([line, column], [3, key.length + 5])
        const allowed = `allowed: a duration from ${least[0]} to ${most[0]}, as in 90s, 5m, 24h or 7d`
        assert.ok(message.endsWith(allowed), message)
      })
    }
  })
}
