import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join as joinPath } from 'node:path'
import { test } from 'node:test'
import { join, type Mesh } from '@datapunk/mesh'
import { atEnd, freePort } from '@datapunk/testkit'
import { Child } from '../child.ts'
import { MeshFolder } from '../mesh-folder.ts'
import { needs, program } from '../outsider.ts'
import { snippet } from '../readme.ts'
import { shownSerial, swapUnderLoad } from '../swapping.ts'

test(
  'Redis serves with our files to members alone, and no call fails while pairs are swapped',
  needs('redis-server', 'redis-cli'),
  async (t) => {
    const mesh = await MeshFolder.applied({ services: { cache: {}, stream: {} } })
    atEnd(t, () => mesh.remove())
    const port = await freePort()
    const { cert, key } = mesh.pair('cache')
    const file = joinPath(mesh.folder, 'redis.conf')
    writeFileSync(file, `bind 127.0.0.1\nsave ""\ndir ${mesh.folder}\n${snippet('redis', mesh)}`)
    const redis = Child.start(program('redis-server'), [file, '--port', '0', '--tls-port', `${port}`])
    atEnd(t, () => redis.stop())
    await redis.says(/Ready to accept connections/)
    const stream = await join('stream', { config: mesh.configFile })
    atEnd(t, () => stream.leave())
    const ask = (command: string) => askRedis(stream, port, command)
    const lasting = await stream.connect({ host: 'cache', port })
    atEnd(t, () => lasting.destroy())

    const calls = await swapUnderLoad({
      folder: mesh,
      service: 'cache',
      times: 20,
      reload: async () =>
        assert.equal(await ask(`CONFIG SET tls-cert-file ${cert} tls-key-file ${key}`), '+OK\r\n'),
      shown: () => shownSerial(stream, 'cache', port),
      call: async () => assert.equal(await ask('PING'), '+PONG\r\n'),
    })
    t.diagnostic(`${calls} calls`)
    lasting.write('PING\r\n')
    assert.equal(`${(await once(lasting, 'data'))[0]}`, '+PONG\r\n')

    const cli = (...args: string[]) => {
      const where = ['-h', '127.0.0.1', '-p', `${port}`, '--tls', '--cacert', mesh.caCert]
      return Child.run(program('redis-cli'), [...where, ...args, 'PING'])
    }
    const { cert: clientCert, key: clientKey } = mesh.pair('stream')
    assert.equal((await cli('--cert', clientCert, '--key', clientKey)).stdout, 'PONG\n')
    const stranger = await cli()
    assert.equal(stranger.stdout.includes('PONG'), false)
    assert.match(stranger.stderr, /certificate required|Connection reset|closed the connection/i)
  },
)

/** One command on a connection of its own. @returns the first piece of the answer */
async function askRedis(mesh: Mesh, port: number, command: string): Promise<string> {
  const socket = await mesh.connect({ host: 'cache', port })
  try {
    socket.write(`${command}\r\n`)
    return `${(await once(socket, 'data'))[0]}`
  } finally {
    socket.destroy()
  }
}
