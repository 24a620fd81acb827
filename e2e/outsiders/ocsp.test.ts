import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { Ending, freePort } from '@datapunk/testkit'
import { Child } from '../child.ts'
import { MeshFolder } from '../mesh-folder.ts'
import { mtls, startMtls } from '../mtls.ts'
import { nginxArguments, startNginx } from '../nginx.ts'
import { needs, program } from '../outsider.ts'

describe('whoever asks `mtls up` by OCSP', () => {
  let mesh: MeshFolder
  let up: Child
  let issuer: string
  let url: string
  let ending: Ending

  beforeEach(async () => {
    // As certificates name it, so that outsiders find it there.
    const port = await freePort()
    url = `http://127.0.0.1:${port}`
    const authority = { store_ca_keys_in_clear: true, http: `127.0.0.1:${port}`, public_url: url }
    mesh = MeshFolder.planned({ authority, services: { lake: {}, stream: {}, web: {} } })
    up = startMtls(['up', '--config', mesh.configFile])
    ending = new Ending()
    ending.add(() => mesh.remove())
    ending.add(() => up.stop())
    await up.says(/slot issuing-ca-1, serial \w+, until [^\n]*\n[\s\S]*certificate issued +slot issuing-ca-1/)
    await up.says(/status served/)
    issuer = join(mesh.folder, 'issuing.pem')
    const chain = await Child.output('cat', [mesh.pair('lake').cert])
    writeFileSync(issuer, chain.slice(chain.indexOf('-----BEGIN', 10)))
  })

  afterEach(() => ending.end())

  const openssl = (...args: string[]) =>
    Child.run(program('openssl'), [
      ...['ocsp', '-issuer', issuer, '-url', `${url}/ocsp`, '-CAfile', mesh.caCert, ...args],
    ])
  const statusOf = async (...args: string[]) => {
    const { stdout, stderr } = await openssl(...args)
    assert.match(stdout + stderr, /Response verify OK/)
    return /: (good|revoked|unknown)/.exec(stdout)?.[1]
  }
  const revoke = (...args: string[]) => mtls(['revoke', '--yes', '--config', mesh.configFile, ...args])

  test(
    'with openssl: good, revoked, unknown; with a nonce and without, at once',
    needs('openssl'),
    async () => {
      const { cert } = mesh.pair('lake')
      for (const options of [[], ['-no_nonce']])
        assert.equal(await statusOf('-cert', cert, ...options), 'good')
      assert.equal(await statusOf('-serial', '0x1234'), 'unknown')
      const copy = join(mesh.folder, 'lake.crt')
      writeFileSync(copy, await Child.output('cat', [cert]))
      await revoke('lake', '--reason', 'superseded')
      for (const options of [[], ['-no_nonce']])
        assert.equal(await statusOf('-cert', copy, ...options), 'revoked')
      const { stdout } = await openssl('-cert', copy, '-no_nonce')
      assert.match(stdout, /Reason: superseded/)
      assert.equal(await statusOf('-cert', mesh.pair('stream').cert), 'good')
    },
  )

  test('with nginx, by ssl_ocsp: the revoked one out, the others in', needs('nginx', 'curl'), async () => {
    const port = await freePort()
    const nginx = await startNginx(mesh, port, `ssl_ocsp leaf; ssl_ocsp_responder ${url}/ocsp;`)
    ending.add(() => nginx.stop('SIGQUIT'))
    const call = async (service: string) => {
      const { cert, key } = mesh.pair(service)
      const { stdout } = await Child.run(program('curl'), [
        ...['-s', '--cacert', mesh.caCert, '--cert', cert, '--key', key],
        ...['--resolve', `web.service.datapunk:${port}:127.0.0.1`, `https://web.service.datapunk:${port}/`],
      ])
      return /SUCCESS|revoked|400/.exec(stdout)?.[0] ?? stdout
    }
    assert.deepEqual([await call('lake'), await call('stream')], ['SUCCESS', 'SUCCESS'])
    await revoke('lake', '--reason', 'key-compromise')
    assert.deepEqual([await call('lake'), await call('stream')], ['400', 'SUCCESS'])
    assert.equal((await Child.run(program('nginx'), [...nginxArguments(mesh), '-t'])).code, 0)
  })

  test('is answered again after whoever answers was killed', needs('openssl', 'pgrep'), async () => {
    const { cert } = mesh.pair('lake')
    const [child] = (await Child.output(program('pgrep'), ['-P', `${up.pid}`])).trim().split('\n')
    process.kill(Number(child), 'SIGKILL')
    // Another has to be there, and to have a certificate.
    for (;;) {
      const { stdout } = await openssl('-cert', cert, '-no_nonce')
      if (/: good/.test(stdout)) break
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    assert.notEqual((await Child.output(program('pgrep'), ['-P', `${up.pid}`])).trim(), child)
  })
})
