import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as after } from 'node:timers/promises'
import { join } from '@datapunk/mesh'
import { atEnd } from '@datapunk/testkit'
import { KeptAuthority } from './kept-authority.ts'
import { MeshFolder } from './mesh-folder.ts'

/** Until something that no event tells of is so. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await after(20)
}

test('a service that has left is waited for by nobody, also once the authority was started anew', async (t) => {
  const mesh = await MeshFolder.applied({ services: { lake: {}, stream: {} } })
  atEnd(t, () => mesh.remove())
  const first = await KeptAuthority.start(mesh)
  const stream = await join('stream', { config: mesh.configFile })
  const peers = () => first.authority.peers.live()
  await until(() => peers().some(({ acknowledged }) => acknowledged !== undefined))
  await stream.leave()
  await until(() => peers().length === 0)
  await first.stop()

  const second = await KeptAuthority.start(mesh)
  atEnd(t, () => second.stop())
  // The key of the second is in a bundle that stream has never seen.
  for (let times = 0; times < 2; times++)
    assert.deepEqual((await second.authority.rotate({ what: 'pairs', service: 'lake' })).failed, [])
  const again = await join('stream', { config: mesh.configFile })
  await until(() => second.authority.peers.live().length === 1)
  await again.leave()
})
