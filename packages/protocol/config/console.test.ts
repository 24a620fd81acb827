import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from './parse.ts'
import { problemsOf } from './testing/problems-of.ts'

const parsed = (settings: string) =>
  parseConfig(`services: { lake: {} }\nauthority: { ${settings} }`, { file: '/m.yaml' }).authority

test('the console is served on loopback, or nowhere; to do things, or to look', () => {
  assert.deepEqual(parsed('').console, { host: '127.0.0.1', port: 7483 })
  assert.deepEqual(parsed('console: "[::1]:9100"').console, { host: '::1', port: 9100 })
  assert.deepEqual(parsed('console: "localhost:0"').console, { host: 'localhost', port: 0 })
  assert.equal(parsed('console: none').console, undefined)
  assert.deepEqual(
    [parsed('').consoleReadOnly, parsed('console_read_only: true').consoleReadOnly],
    [false, true],
  )
})

test('anything else is refused', () => {
  for (const [settings, allowed] of [
    ['console: 127.0.0.1', /found 127\.0\.0\.1 without a port; allowed: HOST:PORT/],
    [
      'console: 0.0.0.0:7483',
      /found 0\.0\.0\.0, which other machines may reach, and no operators; allowed: 127\.0\.0\.1.*operators: \{ alice/,
    ],
    ['console: "[::]:7483"', /found ::, which other machines may reach, and no operators/],
    ['console: 127.evil.example:7483', /found 127\.evil\.example, which other machines may reach/],
    ['console_read_only: perhaps', /found "perhaps"; allowed: true or false/],
  ] as const) {
    const messages = problemsOf(`services: { lake: {} }\nauthority: { ${settings} }`).map(
      (one) => one.message,
    )
    assert.match(messages.join('\n'), allowed)
  }
})
