import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from './parse.ts'
import { problemsOf } from './testing/problems-of.ts'

/** So many services with so many addresses each, no two alike. */
function textOf(services: number, each: number, address: (at: number) => string): string {
  const names = Array.from({ length: services }, (_, at) => at)
  const all = names.map((at) => {
    const own = Array.from({ length: each }, (_, index) => address(at * each + index))
    return [`s${at}`, { ip_addresses: own }]
  })
  return JSON.stringify({ services: Object.fromEntries(all) })
}

const ipv4 = (at: number) => `10.0.${at >> 8}.${at & 255}`
const ipv6 = (at: number) => `2001:db8::${(at + 1).toString(16)}`

test('addresses of all services have to fit into the certificate of the issuing CA', () => {
  for (const [text, fits] of [
    [textOf(13, 50, ipv4), true],
    [textOf(14, 50, ipv4), false],
    [textOf(11, 20, ipv6), true],
    [textOf(12, 20, ipv6), false],
  ] as const) {
    if (fits) assert.ok(parseConfig(text, { file: 'x.yaml' }))
    else
      assert.match(
        JSON.stringify(problemsOf(text)),
        /found [0-9]+ addresses and 1 domains: [0-9]+ octets .*allowed: 8192, .*use names/,
      )
  }
})

test('domains count too', () => {
  const text = (domain: string) =>
    JSON.stringify({
      authority: { extra_domains: Array.from({ length: 60 }, (_, at) => `d${at}.${domain}`) },
      services: { a: {} },
    })
  assert.ok(parseConfig(text('example.org'), { file: 'x.yaml' }))
  const long = `${'a'.repeat(60)}.example.org`
  assert.match(JSON.stringify(problemsOf(text(long))), /found 0 addresses and 61 domains/)
})
