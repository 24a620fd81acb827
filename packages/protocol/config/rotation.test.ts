import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseConfig } from './parse.ts'
import { problemsOf } from './testing/problems-of.ts'

function rotationOf(text: string) {
  return parseConfig(`services: { a: {} }\nrotation: { ${text} }`, { file: 'x.yaml' }).rotation
}

test('rotation has defaults', () => {
  assert.deepEqual(rotationOf(''), {
    renewAt: 0.67,
    jitter: 0.05,
    atOnce: 8,
    perMinute: 600,
    keepPrevious: 86_400_000,
  })
})

interface Bounds {
  readonly key: string
  readonly name: keyof ReturnType<typeof rotationOf>
  readonly good: readonly number[]
  readonly bad: readonly string[]
  readonly allowed: string
}

const bounds: readonly Bounds[] = [
  {
    key: 'jitter',
    name: 'jitter',
    good: [0, 0.5],
    bad: ['-0.01', '0.51', '1', '.nan', '.inf', '"0.1"'],
    allowed: 'a fraction of the certificate’s life from 0 to 0.5',
  },
  {
    key: 'at_once',
    name: 'atOnce',
    good: [1, 64],
    bad: ['0', '65', '-1', '1.5', '"8"', 'null'],
    allowed: 'a whole number from 1 to 64',
  },
  {
    key: 'per_minute',
    name: 'perMinute',
    good: [1, 1_000_000],
    bad: ['0', '1000001', '0.5', 'all'],
    allowed: 'a whole number from 1 to 1000000',
  },
]

for (const { key, name, good, bad, allowed } of bounds) {
  describe(`rotation.${key}`, () => {
    test(`is ${allowed}`, () => {
      for (const value of good) assert.equal(rotationOf(`${key}: ${value}`)[name], value)
    })

    for (const text of bad) {
      test(`${text} is refused where it stands`, () => {
        const problems = problemsOf(`services: { a: {} }\nrotation:\n  ${key}: ${text}\n`)
        assert.equal(problems.length, 1, JSON.stringify(problems))
        const { line, column, message } = problems[0]!
        assert.deepEqual([line, column], [3, key.length + 5])
        assert.ok(
          message.startsWith(`rotation.${key}: found `) && message.endsWith(`allowed: ${allowed}`),
          message,
        )
      })
    }
  })
}

test('all that is wrong is told at once', () => {
  const problems = problemsOf(
    'services: { a: {} }\nrotation: { jitter: 2, at_once: 0, per_minute: 0, keep_previous: 1y }\n',
  )
  assert.deepEqual(
    problems.map(({ message }) => message.split(':')[0]),
    ['rotation.jitter', 'rotation.at_once', 'rotation.per_minute', 'rotation.keep_previous'],
  )
})
