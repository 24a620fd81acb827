import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join as joinPath } from 'node:path'
import { test } from 'node:test'
import { join, type MeshError } from '@datapunk/mesh'
import { openProxy } from '@datapunk/mesh/proxy'
import { atEnd, freePort, TestCa } from '@datapunk/testkit'
import { Child } from '../child.ts'
import { MeshFolder } from '../mesh-folder.ts'
import { needs, program } from '../outsider.ts'

for (const version of ['1.3', '1.2'] as const)
  test(
    `a server that OpenSSL has refuse us by an alert of TLS ${version} is told as what it is, by fetch and by the proxy`,
    needs('openssl'),
    async (t) => {
      const mesh = await MeshFolder.applied({ services: { lake: { min_tls: version }, stream: {} } })
      atEnd(t, () => mesh.remove())
      const stranger = joinPath(mesh.folder, 'stranger.crt')
      writeFileSync(stranger, (await TestCa.create({ at: Date.now() })).root.pem)
      const { cert, key } = mesh.pair('lake')
      const port = await freePort()
      const server = Child.start(program('openssl'), [
        ...['s_server', '-www', '-accept', `127.0.0.1:${port}`, `-tls${version.replace('.', '_')}`],
        ...['-cert', cert, '-key', key, '-cert_chain', cert],
        ...['-CAfile', stranger, '-Verify', '3', '-verify_return_error'],
      ])
      atEnd(t, () => server.stop())
      await server.says(/ACCEPT/)
      const stream = await join('stream', { config: mesh.configFile })
      atEnd(t, () => stream.leave())

      const isTold = ({ code, message, cause }: MeshError) => {
        assert.equal(code, 'PEER_REFUSED', message)
        assert.match((cause as { code: string }).code, /ALERT_UNKNOWN_CA$/)
        assert.match(message, /sent the alert “unknown ca”/)
        return true
      }
      await assert.rejects(stream.fetch(`https://lake.service.datapunk:${port}/`), isTold)
      const at = { host: '127.0.0.1', port: await freePort() }
      const routes = [{ way: 'call' as const, at, to: { host: 'lake', port } } as const]
      const proxy = await openProxy(stream, { routes })
      atEnd(t, () => proxy.stop(AbortSignal.abort()))
      const failed = once(proxy, 'failed') as Promise<[{ error: MeshError }]>
      const near = connect(at).on('error', () => {})
      atEnd(t, () => near.destroy())
      isTold((await failed)[0].error)
    },
  )
