import assert from 'node:assert/strict'
import { join as joinPath } from 'node:path'
import { test } from 'node:test'
import { join } from '@datapunk/mesh'
import { atEnd } from '@datapunk/testkit'
import { Child } from '../child.ts'
import { MeshFolder } from '../mesh-folder.ts'
import { startMtls } from '../mtls.ts'
import { needs, program } from '../outsider.ts'

const rules = joinPath(import.meta.dirname, '../../deploy/prometheus')

test(
  'promtool takes the alerts, and each fires when it should and only then',
  needs('promtool'),
  async () => {
    const promtool = (...args: string[]) => Child.run(program('promtool'), args, { cwd: rules })
    const checked = await promtool('check', 'rules', 'alerts.yml')
    assert.equal(checked.code, 0, checked.stderr)
    assert.match(checked.stdout, /SUCCESS: \d+ rules found/)
    const tried = await promtool('test', 'rules', 'alerts.test.yml')
    assert.equal(tried.code, 0, `${tried.stdout}${tried.stderr}`)
  },
)

test('promtool takes what an authority and a service print', needs('promtool'), async (t) => {
  const authority = { store_ca_keys_in_clear: true, http: 'none', metrics: '127.0.0.1:0' }
  const mesh = MeshFolder.planned({ authority, services: { lake: {}, stream: {} } })
  atEnd(t, () => mesh.remove())
  const up = startMtls(['up', '--json', '--config', mesh.configFile])
  atEnd(t, () => up.stop())
  const [, place] = await up.says(/"metrics-served".*"address":"([^"]+)"/)
  await up.says(/"kind":"ready"/)
  const lake = await join('lake', { config: mesh.configFile })
  atEnd(t, () => lake.leave())
  const { host, port } = await lake.serveOperator()
  for (const url of [`http://${place}/metrics`, `http://${host}:${port}/metrics`]) {
    const input = await (await fetch(url)).text()
    const checked = await Child.run(program('promtool'), ['check', 'metrics'], { input })
    const { code, stdout, stderr } = checked
    assert.deepEqual([code, stdout, stderr], [0, '', ''], url)
  }
})
