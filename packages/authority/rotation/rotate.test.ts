import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { createCsr, encodeName, generateKeyPair, localSigner } from '@datapunk/pki'
import { atEnd } from '@datapunk/testkit'
import { apply } from '../applying/apply.ts'
import { issueForCsr } from '../issuing/issue-csr.ts'
import { revoke } from '../revocation/revoke.ts'
import { testEngine } from '../testing/test-engine.ts'
import { previewRotation, type RotateRequest, rotate } from './rotate.ts'

const services = { lake: {}, stream: {} }

describe('what a rotation would touch', () => {
  let dir: string
  let engine: ReturnType<typeof testEngine>
  /** The instance of stream whose key lives elsewhere. */
  let elsewhere: string

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'rotate-'))
    engine = testEngine({ dir, config: { services } })
    await apply(engine, { approve: () => true })
    const signer = localSigner((await generateKeyPair('ecdsa-p256')).privateKey)
    const csr = await createCsr({ subject: encodeName({ commonName: 'x' }), signer, dnsNames: [] })
    elsewhere = (await issueForCsr(engine, 'stream', csr)).instance
    const lake = { service: 'lake', instance: 'lake', version: '1', serial: '01', revoked: false }
    engine.peers.arrived({ ...lake, peer: 'p' })
  })

  afterEach(() => rmSync(dir, { recursive: true }))

  const touched = (request: RotateRequest) => {
    const { certificates, elsewhere, peers } = previewRotation(engine, request)
    const issued = certificates.map(({ instance }) => instance)
    return { issued, elsewhere, told: peers.map(({ instance }) => instance) }
  }

  test('pairs, and with a CA everything under it, whoever has the key', () => {
    const all = { issued: ['lake', 'stream'], elsewhere: [elsewhere], told: ['lake'] }
    assert.deepEqual(touched({ what: 'pairs' }), all)
    assert.deepEqual(touched({ what: 'issuing-ca', without: [] }), all)
    assert.deepEqual(touched({ what: 'compromised', kind: 'log' }), all)
    const lake = { issued: ['lake'], elsewhere: [], told: ['lake'] }
    assert.deepEqual(touched({ what: 'pairs', service: 'lake' }), lake)
  })

  test('nothing by a name that the rotation would refuse', () => {
    const refused: Record<string, RotateRequest> = {
      NOT_A_MEMBER: { what: 'pairs', service: 'nobody' },
      INSTANCE_UNKNOWN: { what: 'issuing-ca', without: ['nobody'] },
    }
    for (const [code, request] of Object.entries(refused)) assert.throws(() => touched(request), { code })
  })

  test('no certificate with a bundle key or a log', () => {
    for (const what of ['bundle-key', 'log'] as const)
      assert.deepEqual(touched({ what, without: [] }), { issued: [], elsewhere: [], told: ['lake'] })
  })

  test('no new certificate where the pair before is put back, or renewal goes on', () => {
    const none = { issued: [], elsewhere: [] }
    assert.deepEqual(touched({ what: 'back', service: 'lake' }), { ...none, told: ['lake'] })
    assert.deepEqual(touched({ what: 'resume', service: 'lake' }), { ...none, told: [] })
  })

  test('those who are not there now, and the connections of whoever is to get another certificate', async () => {
    const { store, peers } = engine
    const serialOf = (of: string) =>
      store.currentCertificates().find(({ instance }) => instance === of)!.serial
    const stream = { service: 'stream', version: '1', serial: '02', revoked: false }
    peers.arrived({ ...stream, instance: 'stream', peer: 'q' })
    const connections = [
      { serial: serialOf('lake'), count: 3 },
      { serial: serialOf('stream'), count: 4 },
      { serial: 'ff', count: 5 },
    ]
    const number = { generation: 1, counter: 1 }
    peers.reported('q', {
      ...{ serial: '02', version: '1', connections, open: 12, refused: {}, reported: {} },
      bundle: number,
    })
    await store.write((transaction) => {
      for (const instance of ['lake', elsewhere])
        transaction.putAcknowledgement({
          ...{ instance, ...number, trustStatement: number, serial: '01', at: 0 },
          ...{ document: new Uint8Array(), leftAt: undefined },
        })
    })
    const preview = (request: RotateRequest) => {
      const { connections, absent, peers } = previewRotation(engine, request)
      return [connections, absent, peers.map(({ instance }) => instance)]
    }
    assert.deepEqual(preview({ what: 'pairs' }), [7, [elsewhere], ['lake', 'stream']])
    assert.deepEqual(preview({ what: 'pairs', service: 'lake' }), [3, [], ['lake']])
    assert.deepEqual(preview({ what: 'back', service: 'lake' }), [3, [], ['lake']])
    assert.deepEqual(preview({ what: 'bundle-key', without: [] }), [0, [elsewhere], ['lake', 'stream']])
    const [lake] = store.services()
    await store.write((transaction) => transaction.putService({ ...lake!, state: 'removed' }))
    assert.deepEqual(preview({ what: 'pairs' }), [4, [elsewhere], ['stream']])
  })

  test('nobody who has no certificate that is good, or is to get none', async () => {
    const of = engine.store.currentCertificates().find(({ instance }) => instance === elsewhere)!
    await revoke(engine, { targets: [{ serial: of.serial }], reason: 'superseded' })
    assert.deepEqual(touched({ what: 'pairs' }).elsewhere, [])
    await revoke(engine, { targets: [{ service: 'lake' }], reason: 'superseded' })
    assert.deepEqual(touched({ what: 'pairs' }).issued, ['stream'])
  })
})

test('pairs are made anew for members whose keys live here, and for nobody who is barred', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'rotate-'))
  atEnd(t, () => rmSync(dir, { recursive: true }))
  const engine = testEngine({ dir, config: { services: { ...services, nexus: {} } } })
  const { store } = engine
  await apply(engine, { approve: () => true })
  const signer = localSigner((await generateKeyPair('ecdsa-p256')).privateKey)
  const csr = await createCsr({ subject: encodeName({ commonName: 'x' }), signer, dnsNames: [] })
  await issueForCsr(engine, 'stream', csr)
  const rotated = async (service?: string) => {
    const report = await rotate(engine, { what: 'pairs', service })
    assert.deepEqual(report.failed, [])
    return report.rotated.map(({ instance }) => instance)
  }
  assert.deepEqual(await rotated(), ['lake', 'nexus', 'stream'])
  assert.deepEqual(await rotated('stream'), ['stream'])
  await revoke(engine, { targets: [{ service: 'lake' }], reason: 'superseded' })
  const nexus = store.services().find(({ service }) => service === 'nexus')!
  await store.write((transaction) => transaction.putService({ ...nexus, state: 'removed' }))
  assert.deepEqual(await rotated(), ['stream'])
  await assert.rejects(rotated('lake'), { code: 'SERVICE_BARRED' })
  await assert.rejects(rotated('nexus'), { code: 'NOT_A_MEMBER' })
})
