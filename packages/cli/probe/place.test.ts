import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from '@datapunk/protocol'
import { nowhereToGo, placeOf } from './place.ts'

const services = { job: {}, named: { address: 'lake.internal' }, served: { listen: '0.0.0.0:8445' } }
const config = parseConfig(JSON.stringify({ trust_domain: 'service.datapunk', services }), {
  file: '/mtls.yaml',
})
const of = (name: string) => config.services.get(name)!

test('who serves nobody, by the config, is not asked, and told how it would be', () => {
  assert.equal(placeOf(of('job'), undefined), undefined)
  const { verdict, evidence, fix } = nowhereToGo(of('job'), config)
  assert.equal(verdict, 'not-asked')
  assert.match(evidence, /neither `listen` nor `address`/)
  assert.match(fix!, /^if it does serve, say in \/mtls\.yaml: services\.job\.address: "HOST:PORT"$/)
})

test('who has an address without a port serves, and is unproven until that is said', () => {
  assert.equal(placeOf(of('named'), undefined), undefined)
  assert.equal(nowhereToGo(of('named'), config).verdict, 'unproven')
  assert.equal(placeOf(of('served'), undefined)?.port, 8445)
})
