import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { buffer, text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { Ending } from '@datapunk/testkit'
import type { Child } from './child.ts'
import { MeshFolder } from './mesh-folder.ts'
import { mtls, startMtls } from './mtls.ts'

describe('mtls proxy, one process before lake and one for a program of stream, with `mtls up`', () => {
  let mesh: MeshFolder
  let serving: Child
  let near: { host: string; port: number }
  let ending: Ending
  /** What lake really is: it says everything back. */
  const lake = createServer({ allowHalfOpen: true }, (socket) => socket.on('error', () => {}).pipe(socket))

  const start = async (...args: string[]): Promise<{ child: Child; port: number }> => {
    const child = startMtls(['proxy', '--config', mesh.configFile, '--json', ...args])
    ending.add(() => child.stop('SIGKILL'))
    const [, port] = await child.says(/"ready".*?127\.0\.0\.1:(\d+) →/)
    return { child, port: Number(port) }
  }

  beforeEach(async () => {
    mesh = MeshFolder.planned({ services: { lake: {}, stream: {}, nexus: {} } })
    ending = new Ending()
    ending.add(() => mesh.remove())
    const up = startMtls(['up', '--config', mesh.configFile])
    ending.add(() => up.stop())
    await up.says(/ready:/)
    lake.listen(0, '127.0.0.1')
    await once(lake, 'listening')
    ending.add(() => lake.close())
    const { port } = lake.address() as AddressInfo
    const proxy = await start('lake', '--listen', '127.0.0.1:0', '--to', `127.0.0.1:${port}`)
    serving = proxy.child
    const calling = await start('stream', '--from', '127.0.0.1:0', '--to', `lake:${proxy.port}`)
    near = { host: '127.0.0.1', port: calling.port }
  })
  afterEach(() => ending.end())

  const program = () => connect({ ...near, allowHalfOpen: true }).on('error', () => {})
  const answers = async (socket: Socket) => {
    socket.write('still here')
    assert.equal(`${(await once(socket, 'data'))[0]}`, 'still here')
  }
  const isReset = (error: NodeJS.ErrnoException) => error.code === 'ECONNRESET'

  test('serves its operator beside what it carries', async () => {
    const options = ['stream', '--from', '127.0.0.1:0', '--to', 'lake:1', '--operator', '127.0.0.1:0']
    const { child } = await start(...options)
    const [, operator] = await child.says(/"operator":"([^"]+)"/)
    assert.equal(await (await fetch(`http://${operator}/readyz`)).text(), 'ok\n')
    assert.match(await (await fetch(`http://${operator}/metrics`)).text(), /^mtls_ready 1$/m)
    const wrong = await mtls(['proxy', '--config', mesh.configFile, ...options.with(-1, 'unix:/a')])
    assert.match(wrong.stderr, /found --operator unix:\/a; allowed: HOST:PORT.*\[PLACE_INVALID\]/)
  })

  test('carries bytes both ways, and each end by itself', async () => {
    const sent = Buffer.alloc(5_000_000, 'all of it, ')
    const socket = program()
    socket.end(sent)
    assert.deepEqual(await buffer(socket), sent)
  })

  test('cuts both halves of whoever is revoked, and lets in again who is issued a certificate', async () => {
    const socket = program()
    await answers(socket)
    const failure = once(socket, 'data').catch((error) => error)
    const revoked = await mtls(['revoke', 'stream', '--config', mesh.configFile, '--json', '--yes'])
    assert.deepEqual(JSON.parse(revoked.stdout).late, [])
    assert.ok(isReset(await failure))
    const refused = program()
    await assert.rejects(once(refused, 'data'), isReset)

    assert.equal((await mtls(['issue', 'stream', '--config', mesh.configFile])).code, 0)
    // Its proxy takes the new pair up by itself; until then it calls nobody.
    for (;;) {
      const socket = program()
      socket.end('back')
      if ((await text(socket).catch(() => '')) === 'back') break
    }
  })

  test('rotates without losing a connection', async () => {
    const socket = program()
    await answers(socket)
    assert.equal((await mtls(['issue', 'lake', '--config', mesh.configFile])).code, 0)
    await serving.says(/"kind":"rotated"/)
    await answers(socket)
    await answers(program())
  })

  test('lets what is open finish when asked to end', async () => {
    const socket = program()
    await answers(socket)
    serving.signal('SIGTERM')
    await serving.says(/"kind":"stopping"/)
    await answers(socket)
    socket.end()
    assert.equal((await serving.ended).code, 0)
    assert.match(serving.stdout, /"kind":"ended".*"cut":0/)
  })

  test('ends at once when asked twice, and says how many were cut short', async () => {
    const socket = program()
    await answers(socket)
    const failure = once(socket, 'data').catch((error) => error)
    serving.signal('SIGTERM')
    await serving.says(/"kind":"stopping"/)
    serving.signal('SIGTERM')
    assert.equal((await serving.ended).code, 0)
    assert.match(serving.stdout, /"kind":"ended".*"cut":1/)
    assert.ok(isReset(await failure))
  })

  test('says when the program behind is gone', async () => {
    lake.close()
    program()
    await serving.says(/"kind":"failed".*BACKEND_UNREACHABLE.*ECONNREFUSED/)
  })

  test('is no use to a service that is not of this mesh, or at a place that is taken or exposed', async () => {
    const proxy = (...args: string[]) => mtls(['proxy', '--config', mesh.configFile, ...args])
    const taken = await proxy('nexus', '--from', `127.0.0.1:${near.port}`, '--to', 'lake')
    assert.deepEqual([taken.code, /EADDRINUSE.*\[LISTEN_FAILED\]/.test(taken.stderr)], [1, true])
    const operatorTaken = ['--from', '127.0.0.1:0', '--to', 'lake', '--operator', `127.0.0.1:${near.port}`]
    const withoutOperator = await proxy('nexus', ...operatorTaken)
    assert.deepEqual([withoutOperator.code, /\[LISTEN_FAILED\]/.test(withoutOperator.stderr)], [1, true])
    const stranger = await proxy('nobody', '--from', '127.0.0.1:0', '--to', 'lake')
    assert.deepEqual([stranger.code, /\[SERVICE_UNKNOWN\]/.test(stranger.stderr)], [1, true])
    const usage: [args: string[], says: RegExp][] = [
      [['--from', '0.0.0.0:0', '--to', 'lake'], /--lend-identity if that is meant \[USAGE\]/],
      [['--listen', '127.0.0.1:0', '--to', '10.0.0.1:1'], /--send-plain if that is meant \[USAGE\]/],
      [['--listen', '127.0.0.1:0'], /found --listen 127\.0\.0\.1:0 without it; allowed: --listen/],
      [['--to', 'lake'], /found --to lake before either/],
      [['--from', '127.0.0.1', '--to', 'lake'], /found the place "127\.0\.0\.1"; allowed: HOST:PORT/],
      [[], /found none; allowed: --listen/],
    ]
    for (const [args, says] of usage) {
      const { code, stderr } = await proxy('nexus', ...args)
      assert.match(stderr, says)
      assert.equal(code, 2)
    }
  })
})
