import assert from 'node:assert/strict'
import { test } from 'node:test'
import { join } from '@datapunk/mesh'
import { atEnd, freePort } from '@datapunk/testkit'
import { Child } from '../child.ts'
import { MeshFolder } from '../mesh-folder.ts'
import { startNginx } from '../nginx.ts'
import { needs, program } from '../outsider.ts'
import { shownSerial, swapUnderLoad } from '../swapping.ts'

test(
  'nginx serves with our files to members alone, and no call fails while pairs are swapped',
  needs('nginx'),
  async (t) => {
    const mesh = await MeshFolder.applied({ services: { web: {}, stream: {} } })
    atEnd(t, () => mesh.remove())
    const port = await freePort()
    const nginx = await startNginx(mesh, port)
    atEnd(t, () => nginx.stop('SIGQUIT'))
    const stream = await join('stream', { config: mesh.configFile })
    atEnd(t, () => stream.leave())
    const url = `https://web.service.datapunk:${port}/`

    const calls = await swapUnderLoad({
      folder: mesh,
      service: 'web',
      times: 20,
      reload: async () => nginx.signal('SIGHUP'),
      shown: () => shownSerial(stream, 'web', port),
      call: async () => {
        // Every call on a connection of its own, so that every call is a handshake.
        const answer = await stream.fetch(url, { headers: { connection: 'close' } })
        assert.equal(await answer.text(), 'hello CN=stream.service.datapunk,O=Datapunk,C=US SUCCESS')
      },
    })
    t.diagnostic(`${calls} calls`)

    const stranger = await Child.run(
      program('openssl'),
      ['s_client', ...['-quiet', '-connect', `127.0.0.1:${port}`, '-CAfile', mesh.caCert]],
      { input: 'GET / HTTP/1.0\r\n\r\n' },
    )
    assert.match(stranger.stdout, /400 No required SSL certificate was sent/)
  },
)
