import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { join } from '@datapunk/mesh'
import { atEnd } from '@datapunk/testkit'
import { Greeter } from './greeter.ts'
import { MeshFolder } from './mesh-folder.ts'
import { mtls, startMtls } from './mtls.ts'

const KILLS = 10

test('`mtls up` is killed again and again while the root rolls over: it goes on from there, and no call fails', async (t) => {
  const mesh = await MeshFolder.applied({ services: { lake: {}, stream: {} } })
  atEnd(t, () => mesh.remove())
  const config = ['--config', mesh.configFile]
  const lake = await Greeter.start(mesh, 'lake')
  atEnd(t, () => lake.stop())
  const stream = await join('stream', { config: mesh.configFile })
  atEnd(t, () => stream.leave())

  let over = false
  let calls = 0
  const calling = (async () => {
    while (!over) {
      const headers: Record<string, string> = calls % 2 === 0 ? {} : { connection: 'close' }
      assert.equal(await (await stream.fetch(lake.url, { headers })).text(), 'hello stream')
      calls++
    }
  })()
  const status = async () => JSON.parse((await mtls(['status', '--json', ...config])).stdout)
  const killing = (async () => {
    for (let kill = 0; kill < KILLS; kill++) {
      const up = startMtls(['up', '--json', ...config])
      await up.says(/"ready"/)
      const rotating = mtls(['rotate', '--root-ca', ...config])
      // At any moment of it: not an event that could be waited for, but the want of one.
      await delay(Math.random() * 400)
      await up.stop('SIGKILL')
      await rotating
    }
    const up = startMtls(['up', '--json', ...config])
    atEnd(t, () => up.stop())
    await up.says(/"ready"/)
    for (;;) {
      const { cas, services } = await status()
      const states = Object.fromEntries(cas.map((ca: { slot: string; state: string }) => [ca.slot, ca.state]))
      const shown = new Set(services.map(({ pair }: { pair: string }) => pair))
      if (states['root-2'] === 'active' && [...shown].join() === 'current') return
      await up.more()
    }
  })().finally(() => {
    over = true
  })
  await Promise.all([killing, calling])
  t.diagnostic(`${calls} calls`)
  assert.deepEqual(lake.refusals, [])
})
