import assert from 'node:assert/strict'
import { get } from 'node:https'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { join, type Mesh } from '@datapunk/mesh'
import { atEnd } from '@datapunk/testkit'
import { Greeter } from './greeter.ts'
import { KeptAuthority } from './kept-authority.ts'
import { MeshFolder } from './mesh-folder.ts'

const ROTATIONS = 100

test('100 leaf rotations, a new issuing CA, a new bundle key and a new root go by under load: no call fails', async (t) => {
  const mesh = await MeshFolder.applied({ services: { lake: {}, stream: {}, nexus: {} } })
  // Who was just started waits for those who may come back; here everybody comes at once.
  let ahead = 0
  const kept = await KeptAuthority.start(mesh, { clock: () => Date.now() + ahead })
  atEnd(t, async () => {
    await kept.stop()
    mesh.remove()
  })
  ahead = 40_000
  const { authority } = kept
  const lake = await Greeter.start(mesh, 'lake')
  atEnd(t, () => lake.stop())
  const stream = await Greeter.start(mesh, 'stream')
  atEnd(t, () => stream.stop())
  const nexus = await join('nexus', { config: mesh.configFile })
  atEnd(t, () => nexus.leave())

  // 1 Clients at full rate, over kept-alive and new connections, by fetch and by agent.
  let over = false
  let calls = 0
  const byFetch = async (from: Mesh, { url }: Greeter, headers: Record<string, string>) => {
    const answer = await from.fetch(url, { headers })
    assert.equal(answer.status, 200)
    return answer.text()
  }
  const byAgent = ({ agent }: Mesh, { url }: Greeter) =>
    new Promise<string>((resolve, reject) => {
      get(url, { agent }, (response) => text(response).then(resolve, reject)).on('error', reject)
    })
  const ways = [
    () => byFetch(nexus, lake, {}),
    () => byFetch(nexus, stream, { connection: 'close' }),
    () => byFetch(stream.mesh, lake, {}),
    () => byFetch(lake.mesh, stream, {}),
    () => byAgent(nexus, lake),
    () => byAgent(stream.mesh, lake),
  ]
  const clients = ways.map(async (call) => {
    while (!over) {
      assert.match(await call(), /^hello (nexus|stream|lake)$/)
      calls++
    }
  })
  const changing = (async () => {
    // 2 Leaves.
    for (let n = 0; n < ROTATIONS; n++) {
      const service = ['lake', 'stream', 'nexus'][n % 3]!
      const { failed } = await authority.rotate({ what: 'pairs', service })
      assert.deepEqual(failed, [])
    }
    // 3 The issuing CA.
    await authority.rotate({ what: 'issuing-ca', without: [] })
    await kept.untilSlots((states) => states['issuing-ca-1'] === 'retired')
    // 4 The bundle key.
    await authority.rotate({ what: 'bundle-key', without: [] })
    // 5 The root.
    await authority.rotate({ what: 'root', without: [] })
    await kept.untilSlots((states) => states['root-1'] === 'retired' && states['issuing-ca-2'] === 'retired')
  })().finally(() => {
    over = true
  })
  await Promise.all([changing, ...clients])
  t.diagnostic(`${calls} calls`)
  assert.deepEqual([...lake.refusals, ...stream.refusals], [])
  assert.ok(calls > ROTATIONS)
})
