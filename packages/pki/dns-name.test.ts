import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { dnsNameMatches, isDnsName, isDnsNameOrWildcard } from './dns-name.ts'

describe('DNS names', () => {
  const long = `${'a'.repeat(63)}.`

  for (const name of [
    'lake.service.datapunk',
    'localhost',
    'xn--n3h.com',
    '3com.com',
    'a-b.c',
    'LAKE.x',
    `${long}b`,
  ]) {
    it(`${name} is one`, () => assert.ok(isDnsName(name)))
  }

  for (const name of [
    '',
    ' ',
    '.',
    'a.',
    '.a',
    'a..b',
    '-a.b',
    'a-.b',
    'a_b.c',
    '*.a.b',
    '8.8.8.8',
    'a.1',
    'lake.service.datapunk\0.evil',
    'ä.com',
    `${'a'.repeat(64)}.b`,
    `${long.repeat(4)}b`,
  ]) {
    it(`${JSON.stringify(name)} is none`, () => assert.ok(!isDnsName(name)))
  }

  it('may be wildcards below a domain, whole left-most label only', () => {
    assert.ok(isDnsNameOrWildcard('*.example.com'))
    for (const name of [
      '*',
      '*.',
      '*.com',
      'a*.example.com',
      '*a.example.com',
      'a.*.com',
      '*.*.com',
      '**.a.com',
    ]) {
      assert.ok(!isDnsNameOrWildcard(name), name)
    }
  })

  it('match without regard to case, a wildcard for exactly one label', () => {
    assert.ok(dnsNameMatches('Lake.Service.Datapunk', 'lake.service.datapunk'))
    assert.ok(dnsNameMatches('*.example.com', 'FOO.example.com'))
    for (const wanted of ['example.com', 'a.b.example.com', '.example.com', 'fooexample.com', 'com']) {
      assert.ok(!dnsNameMatches('*.example.com', wanted), wanted)
    }
  })
})
