import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from './parse.ts'
import { problemsOf } from './testing/problems-of.ts'

const parsed = (settings: string) =>
  parseConfig(`services: { lake: {} }\nauthority: { ${settings} }`, { file: '/m.yaml' }).authority

test('metrics are served on loopback, where the file says, or nowhere', () => {
  assert.deepEqual(parsed('').metrics, { host: '127.0.0.1', port: 7482 })
  assert.deepEqual(parsed('metrics: "[fd00::5]:9100"').metrics, { host: 'fd00::5', port: 9100 })
  assert.equal(parsed('metrics: none').metrics, undefined)
})

test('they name twenty services, as many as the file says, or all', () => {
  assert.equal(parsed('').metricsServices, 20)
  assert.equal(parsed('metrics_services: 0').metricsServices, 0)
  assert.equal(parsed('metrics_services: all').metricsServices, Number.POSITIVE_INFINITY)
})

test('anything else is refused', () => {
  for (const [settings, allowed] of [
    ['metrics: 127.0.0.1', /found 127\.0\.0\.1 without a port; allowed: HOST:PORT/],
    ['metrics: "a b:1"', /found "a b:1"; allowed: HOST or HOST:PORT/],
    ['metrics_services: some', /found "some"; allowed: "all", or a whole number/],
    ['metrics_services: -1', /found -1; allowed: a whole number from 0/],
  ] as const) {
    const text = `services: { lake: {} }\nauthority: { ${settings} }`
    assert.match(
      problemsOf(text)
        .map(({ message }) => message)
        .join('\n'),
      allowed,
    )
  }
})
