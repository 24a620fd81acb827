import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { Mesh, MeshError } from '@datapunk/mesh'
import { Ending, freePort } from '@datapunk/testkit'
import type { Child } from './child.ts'
import { MeshFolder } from './mesh-folder.ts'
import { mtls, startMtls } from './mtls.ts'
import { OtherHost } from './other-host.ts'

describe('a service on another host, whose certificate demands a staple', () => {
  let mesh: MeshFolder
  let up: Child
  let nexus: Mesh
  let ending: Ending

  beforeEach(async () => {
    const [listen, http] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`]
    mesh = MeshFolder.planned({
      authority: { store_ca_keys_in_clear: true, listen, http, public_url: `http://${http}` },
      services: { lake: { ocsp_stapling: 'required' }, nexus: {} },
    })
    up = startMtls(['up', '--config', mesh.configFile])
    ending = new Ending()
    ending.add(() => mesh.remove())
    ending.add(() => up.stop())
    await up.says(/certificate issued +slot issuing-ca-1/)
    nexus = await joined(hostOf(), 'nexus')
  })

  afterEach(() => ending.end())

  /** @param listen where the authority seems to be from there; else where it is */
  const hostOf = (listen?: string): OtherHost => {
    const host = new OtherHost(mesh, listen)
    ending.add(() => host.remove())
    return host
  }
  const joined = async (host: OtherHost, service: string): Promise<Mesh> => {
    const one = await host.join(service)
    ending.add(() => one.leave())
    return one
  }
  /** However often something was published while the first was made. */
  const signersMade = async (): Promise<number> => {
    const { stdout } = await mtls(['audit', '--config', mesh.configFile, '--json'])
    const { entries } = JSON.parse(stdout) as { entries: { deed: string; entry: { profile?: string } }[] }
    return entries.filter(({ deed, entry }) => deed === 'issued' && entry.profile === 'ocsp-signer').length
  }
  const call = async (lake: Mesh): Promise<string> => {
    const server = lake.createServer((_, response) => void response.end('hello'))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    try {
      const headers = { connection: 'close' }
      return await (await nexus.fetch(`https://lake.service.datapunk:${port}/`, { headers })).text()
    } finally {
      server.close()
    }
  }

  test('gets it over `authority.listen`, for its next pair too, and keeps it while the authority is down', async () => {
    const host = hostOf()
    const lake = await joined(host, 'lake')
    assert.equal(await call(lake), 'hello')
    const rotated = once(lake, 'rotated')
    assert.equal((await mtls(['rotate', 'lake', '--config', mesh.configFile])).code, 0)
    await rotated
    assert.equal(await call(lake), 'hello')
    assert.equal(await signersMade(), 1)
    await lake.leave()
    await up.stop()
    assert.equal(await call(await joined(host, 'lake')), 'hello')
  })

  test('is called by nobody where it never reached the authority', async () => {
    const host = hostOf(`127.0.0.1:${await freePort()}`)
    host.copyMeshFolder()
    const lake = await joined(host, 'lake')
    await assert.rejects(call(lake), (error: MeshError) => error.refusal?.rule === 'STAPLE_MISSING')
  })
})
