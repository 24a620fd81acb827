import assert from 'node:assert/strict'
import { test } from 'node:test'
import { join } from '@datapunk/mesh'
import type { KeyAlgorithm } from '@datapunk/pki'
import { atEnd } from '@datapunk/testkit'
import { Greeter } from './greeter.ts'
import { MeshFolder } from './mesh-folder.ts'

const table: readonly KeyAlgorithm[] = ['rsa', 'ecdsa-p256', 'ecdsa-p384', 'ed25519', 'ml-dsa-65']

for (const algorithm of table) {
  test(`a chain of ${algorithm} alone carries a call, both ways`, async (t) => {
    const mesh = await MeshFolder.applied({
      authority: { root: { algorithm }, issuing: { algorithm }, store_ca_keys_in_clear: true },
      certificates: { organization: 'Datapunk', country: 'US', key_algorithm: algorithm },
      services: { lake: {}, stream: {} },
    })
    atEnd(t, () => mesh.remove())
    const lake = await Greeter.start(mesh, 'lake')
    atEnd(t, () => lake.stop())
    const stream = await join('stream', { config: mesh.configFile })
    atEnd(t, () => stream.leave())
    const answer = await stream.fetch(lake.url)
    assert.equal(await answer.text(), 'hello stream')
    assert.equal(lake.calls, 1)
  })
}
