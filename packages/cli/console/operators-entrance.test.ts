import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { type Config, layoutOf, operatorSpiffeId } from '@datapunk/protocol'
import { TestMesh, testExtension } from '@datapunk/testkit'
import { readConfigFile } from '../config/config-file.ts'
import type { OperatorRefused } from './judge-operator.ts'
import { OperatorsEntrance } from './operators-entrance.ts'
import { OwnCertificate } from './own-certificate.ts'

let mesh: TestMesh
let config: Config
let names: readonly string[]
let asked: number
let begins: number | undefined
let own: OwnCertificate
let refused: OperatorRefused[]
let entrance: OperatorsEntrance | undefined

beforeEach(async () => {
  mesh = await TestMesh.create({ services: { lake: {} } })
  const read = readConfigFile({ file: mesh.configFile, environment: undefined, root: undefined })
  const console = { host: 'console.service.datapunk', port: 0 }
  config = { ...read, authority: { ...read.authority, console } }
  names = ['authority.service.datapunk', 'console.service.datapunk']
  asked = 0
  begins = undefined
  refused = []
  own = new OwnCertificate({
    clock: Date.now,
    certify: async (spki) => {
      asked++
      return mesh.ca.chainPem(
        await mesh.ca.leaf('authority', {
          ...{ spki, extensions: { subjectAltName: namesOf() } },
          ...(begins !== undefined && { notBefore: begins }),
        }),
      )
    },
  })
})

afterEach(async () => {
  entrance?.close()
  await mesh.remove()
})

function namesOf(): Uint8Array {
  const uris = ['spiffe://service.datapunk/authority/console']
  return testExtension.subjectAltName({ dnsNames: names, uris, ipAddresses: [] })
}

async function open(): Promise<OperatorsEntrance> {
  const spiffeId = operatorSpiffeId('service.datapunk', 'alice')
  const operators = [{ operator: 'alice', spiffeId, readOnly: false, validityDays: 90 }]
  entrance = await OperatorsEntrance.open({
    ...{ config, own, readOnly: false, clock: Date.now, operators: () => operators },
    onRefused: (one) => refused.push(one),
  })
  return entrance
}

describe('where operators come in', () => {
  test('opens with a certificate that has its names, and the CAs of the mesh', async () => {
    const opened = await open()
    assert.deepEqual(opened.names, ['authority.service.datapunk', 'console.service.datapunk'])
    const { cert, ca } = opened.pair()
    assert.ok(cert.startsWith('-----BEGIN CERTIFICATE-----'))
    assert.equal(ca, mesh.ca.root.pem + mesh.ca.issuing.pem)
  })

  test('keeps its certificate from one place to the next, while it is good', async () => {
    await open()
    entrance?.close()
    await open()
    assert.equal(asked, 1)
  })

  test('asks for another where the authority knew its names too late', async () => {
    names = names.slice(0, 1)
    await open()
    entrance?.close()
    names = ['authority.service.datapunk', 'console.service.datapunk']
    await open()
    assert.equal(asked, 2)
  })

  test('asks for another where the clock was ahead', async () => {
    begins = Date.now() + 60 * 60 * 1000
    await open()
    entrance?.close()
    begins = undefined
    await open()
    assert.equal(asked, 2)
  })

  test('asks for no other because it can’t read the mesh', async () => {
    rmSync(layoutOf(config).mesh.head)
    await assert.rejects(open(), { code: 'BUNDLE_MISSING' })
    await assert.rejects(open(), { code: 'BUNDLE_MISSING' })
    assert.equal(asked, 1)
  })

  test('lets nobody in whom the authority has not on record, and tells why', async () => {
    const alice = await mesh.ca.operator('alice')
    const shown = { leaf: alice.der, openssl: undefined, remote: '10.0.0.7:50123' }
    assert.equal((await open()).visitor(shown), undefined)
    assert.deepEqual(
      refused.map(({ rule, serial }) => [rule, serial]),
      [['CERTIFICATE_UNKNOWN', alice.certificate.serial]],
    )
  })
})
