import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { join } from '@datapunk/mesh'
import { atEnd, TestAuthority, TestMesh } from '@datapunk/testkit'
import { Child } from '../child.ts'
import { needs, program } from '../outsider.ts'

test('openssl s_client -status is shown a staple that says good', needs('openssl'), async (t) => {
  const mesh = await TestMesh.create({ services: { lake: { ocspStapling: 'required' }, stream: {} } })
  atEnd(t, () => mesh.remove())
  const authority = await TestAuthority.start(mesh)
  atEnd(t, () => authority.stop())
  await authority.vouch(mesh.newestLeaf('lake'))
  const lake = await join('lake', { config: mesh.configFile })
  atEnd(t, () => lake.leave())
  const server = lake.createServer((_request, response) => response.end('hello'))
  server.listen(0, '127.0.0.1')
  atEnd(t, () => server.close())
  await once(server, 'listening')

  const { port } = server.address() as AddressInfo
  const { cert, key } = mesh.pair('stream')
  const pair = ['-cert', cert, '-key', key, '-CAfile', mesh.config.paths.caCert]
  const { stdout } = await Child.run(
    program('openssl'),
    ['s_client', '-status', '-connect', `127.0.0.1:${port}`, ...pair],
    { input: 'GET / HTTP/1.1\r\nHost: lake\r\nConnection: close\r\n\r\n' },
  )
  assert.match(stdout, /OCSP Response Status: successful/)
  assert.match(stdout, new RegExp(`Serial Number: ${mesh.newestLeaf('lake').certificate.serial}`, 'i'))
  assert.match(stdout, /Cert Status: good/)
  assert.match(stdout, /Verify return code: 0/)
})
