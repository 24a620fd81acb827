import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseConfig } from '@datapunk/protocol'
import {
  certificateRequestOf,
  changedFields,
  decodeSettings,
  encodeSettings,
  isAsAsked,
  isAsWanted,
  type Settings,
  settingsOf,
} from './settings.ts'

const lake = {
  dns_names: ['l.service.internal'],
  ip_addresses: ['10.0.0.1'],
  allow: ['stream', 'nexus'],
  address: '10.0.0.1:8445',
  listen: '0.0.0.0:8445',
  owner: 'lake',
  group: 'mesh',
}
const config = parseConfig(JSON.stringify({ services: { lake, stream: {}, nexus: {} } }), {
  file: '/srv/mesh.yaml',
})
const service = config.services.get('lake')!
const settings = settingsOf(config, service)

/** The same field with another value. */
function otherwise(settings: Settings, field: keyof Settings): Settings {
  const value = settings[field]
  const other = Array.isArray(value) ? [...value, 'x'] : typeof value === 'number' ? value + 1 : null
  return { ...settings, [field]: other === null ? (value === null ? 'x' : { host: 'x', port: 1 }) : other }
}

describe('settings', () => {
  test('come back from the record as they were', () => {
    assert.deepEqual(decodeSettings(encodeSettings(settings)), settings)
  })

  test('are as wanted when they come from this config, and in no other way', () => {
    assert.ok(isAsWanted(settings, config, service))
    assert.ok(isAsWanted(decodeSettings(encodeSettings(settings)), config, service))
    const bare = config.services.get('stream')!
    assert.ok(isAsWanted(settingsOf(config, bare), config, bare))
    assert.ok(!isAsWanted(settingsOf(config, bare), config, service))
  })

  for (const field of Object.keys(settings) as (keyof Settings)[]) {
    test(`are not as wanted when ${field} is another`, () => {
      assert.ok(!isAsWanted(otherwise(settings, field), config, service))
    })
  }
})

describe('a certificate request', () => {
  const request = certificateRequestOf(settings)

  test('is what the settings ask for', () => {
    assert.ok(isAsAsked(request, settings))
    assert.deepEqual(changedFields(request, settings), [])
    const ed25519 = { ...settings, keyAlgorithm: 'ed25519' as const }
    assert.ok(isAsAsked(certificateRequestOf(ed25519), { ...ed25519, keySize: 4096 }))
  })

  for (const field of Object.keys(request) as (keyof typeof request)[]) {
    test(`is another when ${field} is`, () => {
      const changed = otherwise(settings, field)
      assert.ok(!isAsAsked(request, changed))
      assert.ok(changedFields(request, changed).includes(field))
    })
  }
})
