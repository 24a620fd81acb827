import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { authorityAddressOf, ConfigError, parseConfig } from '../index.ts'

const parsed = (listen: string, services: object = { lake: {} }) =>
  parseConfig(JSON.stringify({ trust_domain: 'service.datapunk', services, authority: { listen } }), {
    file: '/mesh/mtls-config.yaml',
  })

describe('peers on other hosts call the authority', () => {
  const name = 'authority.service.datapunk'
  for (const [listen, expected] of Object.entries({
    none: undefined,
    '10.0.0.5:7443': { host: '10.0.0.5', port: 7443 },
    'ca.example:7443': { host: 'ca.example', port: 7443 },
    '0.0.0.0:7443': { host: name, port: 7443 },
    '[::]:7443': { host: name, port: 7443 },
    '[0:0:0:0:0:0:0:0]:7443': { host: name, port: 7443 },
    '[::1]:7443': { host: '::1', port: 7443 },
  })) {
    test(`by ${listen}: ${expected ? `${expected.host} ${expected.port}` : 'not at all'}`, () => {
      assert.deepEqual(authorityAddressOf(parsed(listen)), expected)
    })
  }

  test('at a port that has to be named', () => {
    assert.throws(
      () => parsed('10.0.0.5'),
      (error) => error instanceof ConfigError && /without a port.*HOST:PORT/.test(error.message),
    )
  })

  test('by a name that no service may have', () => {
    assert.throws(
      () => parsed('none', { lake: { dns_names: [name] } }),
      (error) => error instanceof ConfigError && /which is the authority’s own/.test(error.message),
    )
  })
})
