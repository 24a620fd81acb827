import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { join } from '@datapunk/mesh'
import { atEnd } from '@datapunk/testkit'
import { Greeter } from './greeter.ts'
import { MeshFolder } from './mesh-folder.ts'
import { shownSerial, swapUnderLoad } from './swapping.ts'

test('pairs are swapped on both sides while services call each other: no call fails, open connections live on', async (t) => {
  const mesh = await MeshFolder.applied({ services: { lake: {}, stream: {} } })
  atEnd(t, () => mesh.remove())
  const lake = await Greeter.start(mesh, 'lake')
  atEnd(t, () => lake.stop())
  const stream = await join('stream', { config: mesh.configFile })
  atEnd(t, () => stream.leave())
  const lasting = await stream.connect({ host: 'lake', port: lake.port })
  atEnd(t, () => lasting.destroy())
  const before = stream.peer(lasting).serial

  let kept = false
  const calls = await swapUnderLoad({
    folder: mesh,
    service: 'lake',
    times: 20,
    reload: () => mesh.issue('stream'),
    shown: () => shownSerial(stream, 'lake', lake.port),
    call: async () => {
      // Every other call takes a connection that is there already.
      kept = !kept
      const answer = await stream.fetch(lake.url, kept ? {} : { headers: { connection: 'close' } })
      assert.equal(await answer.text(), 'hello stream')
    },
  })
  t.diagnostic(`${calls} calls`)

  lasting.write('GET / HTTP/1.1\r\nHost: lake.service.datapunk\r\n\r\n')
  assert.match(`${(await once(lasting, 'data'))[0]}`, /200 OK/)
  assert.equal(stream.peer(lasting).serial, before)
  assert.deepEqual(lake.refusals, [])
})
