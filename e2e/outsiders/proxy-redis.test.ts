import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join as joinPath } from 'node:path'
import { test } from 'node:test'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { atEnd, freePort } from '@datapunk/testkit'
import { Child } from '../child.ts'
import { MeshFolder } from '../mesh-folder.ts'
import { mtls, startMtls } from '../mtls.ts'
import { needs, program } from '../outsider.ts'

/** Asks what its argument says, and prints the answer: Redis's own protocol, without any TLS. */
const python = `
import socket, sys
connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
connection.sendall(sys.argv[2].encode() + b"\\r\\n")
print(connection.recv(100).decode().strip())
`

test(
  'Redis by itself goes on with a revoked client; behind the proxy that client is out, and nothing is restarted',
  needs('redis-server', 'python3'),
  async (t) => {
    // 1 One Redis: TLS by itself at one port, and plain at a socket of its own, where the proxy stands before it.
    const mesh = MeshFolder.planned({ services: { cache: {}, stream: {}, nexus: {} } })
    atEnd(t, () => mesh.remove())
    const settings = ['--config', mesh.configFile]
    const up = startMtls(['up', ...settings])
    atEnd(t, () => up.stop())
    await up.says(/ready:/)
    const ownPort = await freePort()
    const socket = joinPath(mesh.folder, 'redis.sock')
    const { cert, key } = mesh.pair('cache')
    const redis = Child.start(program('redis-server'), [
      ...[
        '--port',
        '0',
        '--tls-port',
        `${ownPort}`,
        '--bind',
        '127.0.0.1',
        '--save',
        '',
        '--dir',
        mesh.folder,
      ],
      ...['--unixsocket', socket, '--unixsocketperm', '700'],
      ...['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', mesh.caCert],
    ])
    atEnd(t, () => redis.stop())
    await redis.says(/Ready to accept connections/)
    const proxy = async (...args: string[]): Promise<number> => {
      const child = startMtls(['proxy', ...args, ...settings, '--json'])
      atEnd(t, () => child.stop('SIGKILL'))
      return Number((await child.says(/"ready".*?127\.0\.0\.1:(\d+) →/))[1])
    }
    const port = await proxy('cache', '--listen', '127.0.0.1:0', '--to', `unix:${socket}`)

    // 2 A client that is no mesh, with the files of nexus, is served by both.
    const { cert: certFile, key: keyFile } = mesh.pair('nexus')
    const [pairCert, pairKey, ca] = [certFile, keyFile, mesh.caCert].map((file) => readFileSync(file))
    const stolen = { cert: pairCert, key: pairKey, ca, servername: 'cache.service.datapunk' }
    const call = (at: number) => connectTls({ ...stolen, host: '127.0.0.1', port: at }).on('error', () => {})
    const closed = (connection: TLSSocket) => new Promise((resolve) => connection.once('close', resolve))
    const ask = async (connection: TLSSocket): Promise<string> => {
      connection.write('PING\r\n')
      return `${(await once(connection, 'data'))[0]}`
    }
    const open = { redis: call(ownPort), proxy: call(port) }
    assert.deepEqual([await ask(open.redis), await ask(open.proxy)], ['+PONG\r\n', '+PONG\r\n'])

    // 3 It is revoked. Redis doesn't mind, neither the open connection nor a new one.
    const cut = closed(open.proxy)
    const revoked = await mtls([
      'revoke',
      'nexus',
      ...settings,
      '--reason',
      'key-compromise',
      '--json',
      '--yes',
    ])
    const { enforced, late } = JSON.parse(revoked.stdout)
    assert.deepEqual([enforced.map(({ service }: { service: string }) => service), late], [['cache'], []])
    assert.deepEqual([await ask(open.redis), await ask(call(ownPort))], ['+PONG\r\n', '+PONG\r\n'])

    // 4 Behind the proxy it is out: what was open was cut, and nothing new gets an answer.
    await cut
    const again = call(port)
    const ended = closed(again)
    let answer = ''
    again.on('data', (bytes) => {
      answer += bytes
    })
    again.write('PING\r\n')
    await ended
    assert.equal(answer, '')

    // 5 A member goes on: Python, which knows nothing of TLS, through a proxy of its own.
    const near = await proxy('stream', '--from', '127.0.0.1:0', '--to', `cache:${port}`)
    const said = (command: string) => Child.output(program('python3'), ['-c', python, `${near}`, command])
    assert.equal(await said('SET greeting hello'), '+OK\n')
    assert.equal(await said('STRLEN greeting'), ':5\n')
  },
)
