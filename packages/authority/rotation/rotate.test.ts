import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { createCsr, encodeName, generateKeyPair, localSigner } from '@datapunk/pki'
import { apply } from '../applying/apply.ts'
import { issueForCsr } from '../issuing/issue-csr.ts'
import { revoke } from '../revocation/revoke.ts'
import { testEngine } from '../testing/test-engine.ts'
import { previewRotation, type RotateRequest } from './rotate.ts'

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

  test('no certificate with a bundle key or a log', () => {
    for (const what of ['bundle-key', 'log'] as const)
      assert.deepEqual(touched({ what, without: [] }), { issued: [], elsewhere: [], told: ['lake'] })
  })

  test('no new certificate where the pair before is put back, or renewal goes on', () => {
    const none = { issued: [], elsewhere: [] }
    assert.deepEqual(touched({ what: 'back', service: 'lake' }), { ...none, told: ['lake'] })
    assert.deepEqual(touched({ what: 'resume', service: 'lake' }), { ...none, told: [] })
  })

  test('nobody who has no certificate that is good, or is to get none', async () => {
    const of = engine.store.currentCertificates().find(({ instance }) => instance === elsewhere)!
    await revoke(engine, { targets: [{ serial: of.serial }], reason: 'superseded' })
    assert.deepEqual(touched({ what: 'pairs' }).elsewhere, [])
    await revoke(engine, { targets: [{ service: 'lake' }], reason: 'superseded' })
    assert.deepEqual(touched({ what: 'pairs' }).issued, ['stream'])
  })
})
