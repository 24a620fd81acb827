import assert from 'node:assert/strict'
import { once } from 'node:events'
import { execPath } from 'node:process'
import { test } from 'node:test'
import { join } from '@datapunk/mesh'
import { atEnd, freePort } from '@datapunk/testkit'
import { Child } from './child.ts'
import { MeshFolder } from './mesh-folder.ts'
import { snippet } from './readme.ts'

test('the service of the README greets its callers by name, and calls lake', async (t) => {
  const [lakePort, streamPort] = await Promise.all([freePort(), freePort()])
  const mesh = await MeshFolder.applied({
    services: {
      lake: { address: `127.0.0.1:${lakePort}` },
      stream: { address: `127.0.0.1:${streamPort}`, listen: `127.0.0.1:${streamPort}` },
    },
  })
  atEnd(t, () => mesh.remove())
  const lake = await join('lake', { config: mesh.configFile })
  atEnd(t, () => lake.leave())
  const server = lake.createServer((request, response) =>
    response.end(JSON.stringify(lake.peer(request).service)),
  )
  atEnd(t, () => server.close())
  await once(server.listen(lakePort, '127.0.0.1'), 'listening')

  const code = snippet('service', mesh)
  const service = Child.start(execPath, ['--input-type=module', '--eval', code], {
    cwd: import.meta.dirname,
    env: { MTLS_CONFIG: mesh.configFile, MTLS_ENV: '', MTLS_ROOT: '' },
  })
  atEnd(t, () => service.stop('SIGKILL'))
  await service.says(/^stream\n/)
  const greeting = await lake.fetch('https://stream.service.datapunk/')
  assert.equal(await greeting.text(), 'hello lake\n')
})
