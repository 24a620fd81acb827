import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Config } from '@datapunk/protocol'
import { readConfigFile } from '../config/config-file.ts'
import { run } from '../run.ts'
import { WatchedWorld } from '../testing/watched-world.ts'
import { logProof } from './log-pages.ts'
import { MeshSource } from './mesh-source.ts'

const configText = `trust_domain: service.datapunk
services: { lake: {}, stream: {} }
certificates: { key_algorithm: ecdsa-p256 }
authority: { store_ca_keys_in_clear: true, http: none, metrics: none, console: none }
`

describe('what the console reads while no authority runs', () => {
  let folder: string
  let config: Config
  let source: MeshSource

  const serialOf = (service: string) =>
    new X509Certificate(readFileSync(join(folder, 'certs', `${service}.crt`))).serialNumber.toLowerCase()

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mesh-source-'))
    const file = join(folder, 'mtls.yaml')
    writeFileSync(file, configText)
    const { world } = new WatchedWorld()
    assert.equal(await run(['apply', '--config', file], world), 0)
    config = readConfigFile({ file, environment: undefined, root: undefined })
    source = new MeshSource(config, world)
  })
  after(() => rmSync(folder, { recursive: true }))

  test('is the log by pages, the newest first', async () => {
    const all = await source.log(undefined)
    assert.deepEqual([all?.size, all?.entries.map(({ index }) => index)], [2, [1, 0]])
    assert.deepEqual(all?.entries.map(({ name }) => name).sort(), ['lake', 'stream'])
    assert.deepEqual((await source.log(1))?.entries, all?.entries.slice(1))
    assert.deepEqual((await source.log(0))?.entries, [])
    assert.deepEqual(await source.log(99), all)
  })

  test('is the proof of a certificate, found by its promise or, where it is not on record, in the log', async () => {
    const serial = serialOf('stream')
    const proof = await source.proof(serial)
    assert.equal(proof?.serial, serial)
    const looked = await logProof(config, serial, {
      der: undefined,
      now: Date.now(),
    })
    assert.deepEqual(looked, proof)
    assert.equal(await source.proof('0'.repeat(16)), undefined)
  })

  test('is nothing of who is no member, and what needs an authority says so', async () => {
    assert.equal(await source.service('nobody'), undefined)
    const refused = { code: 'NOT_DONE', message: /the authority does not answer now/ }
    await assert.rejects(source.service('lake'), refused)
    await assert.rejects(source.plan({ action: 'rotate', service: 'lake' }), refused)
    await assert.rejects(source.act({ action: 'rotate', service: 'lake' }, 'alice'), refused)
  })

  test('is the audit by pages, the newest first', async () => {
    const { size, entries } = await source.audit(undefined)
    assert.deepEqual(
      entries.map(({ number }) => number),
      Array.from({ length: size }, (_, index) => size - index),
    )
    assert.deepEqual((await source.audit(3)).entries, entries.slice(-2))
  })
})
