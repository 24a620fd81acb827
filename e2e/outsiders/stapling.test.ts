import assert from 'node:assert/strict'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { join } from '@datapunk/mesh'
import { Ending, freePort } from '@datapunk/testkit'
import { Child } from '../child.ts'
import { Greeter } from '../greeter.ts'
import { MeshFolder } from '../mesh-folder.ts'
import { mtls, startMtls } from '../mtls.ts'
import { needs, program } from '../outsider.ts'

describe('a service staples what `mtls up` says of its certificate', () => {
  let mesh: MeshFolder
  let up: Child
  let lake: Greeter
  let ending: Ending

  beforeEach(async () => {
    const port = await freePort()
    const authority = {
      store_ca_keys_in_clear: true,
      http: `127.0.0.1:${port}`,
      public_url: `http://127.0.0.1:${port}`,
    }
    mesh = MeshFolder.planned({
      ...{ authority },
      services: { lake: { ocsp_stapling: 'required' }, stream: {}, nexus: {} },
    })
    up = startMtls(['up', '--config', mesh.configFile])
    ending = new Ending()
    ending.add(() => mesh.remove())
    ending.add(() => up.stop())
    await up.says(/certificate issued +slot issuing-ca-1/)
    lake = await Greeter.start(mesh, 'lake')
    ending.add(() => lake.stop())
  })

  afterEach(() => ending.end())

  test('to whoever asks: openssl and curl find it good', needs('openssl', 'curl'), async () => {
    const { cert, key } = mesh.pair('stream')
    const pair = ['-cert', cert, '-key', key, '-CAfile', mesh.caCert]
    const name = ['-servername', 'lake.service.datapunk']
    const shown = await Child.run(program('openssl'), [
      ...['s_client', '-connect', `127.0.0.1:${lake.port}`, '-status', ...name, ...pair],
    ])
    assert.match(shown.stdout, /OCSP Response Status: successful[\s\S]*Cert Status: good/)
    const text = await Child.output(program('openssl'), [
      'x509',
      '-noout',
      '-text',
      '-in',
      mesh.pair('lake').cert,
    ])
    assert.match(text, /TLS Feature:\s+status_request/)
    const curl = await Child.run(program('curl'), [
      ...['-sS', '--cert-status', '--cacert', mesh.caCert, '--cert', cert, '--key', key],
      ...['--resolve', `lake.service.datapunk:${lake.port}:127.0.0.1`, lake.url],
    ])
    assert.equal(curl.stdout, 'hello stream', curl.stderr)
  })

  test('so that members call one that has to, also after its certificate was rotated, and not once it is revoked', async () => {
    const nexus = await join('nexus', { config: mesh.configFile })
    ending.add(() => nexus.leave())
    const call = async () => (await nexus.fetch(lake.url, { headers: { connection: 'close' } })).text()
    assert.equal(await call(), 'hello nexus')
    const rotated = once(lake.mesh, 'rotated')
    assert.equal((await mtls(['rotate', 'lake', '--config', mesh.configFile])).code, 0)
    await rotated
    assert.equal(await call(), 'hello nexus')
    const revoked = once(lake.mesh, 'revoked')
    assert.equal((await mtls(['revoke', 'lake', '--yes', '--config', mesh.configFile])).code, 0)
    await revoked
    await assert.rejects(call())
  })
})
