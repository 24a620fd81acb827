import assert from 'node:assert/strict'
import { once } from 'node:events'
import { join as joinPath } from 'node:path'
import { execPath } from 'node:process'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { join, type Mesh, type MeshError } from '@datapunk/mesh'
import { Ending } from '@datapunk/testkit'
import { Child } from './child.ts'
import { Greeter } from './greeter.ts'
import { MeshFolder } from './mesh-folder.ts'
import { mtls, startMtls } from './mtls.ts'

describe('mtls revoke, with `mtls up` and services that talk', () => {
  let mesh: MeshFolder
  let up: Child
  let ending: Ending

  beforeEach(async () => {
    mesh = MeshFolder.planned({ services: { lake: {}, stream: {}, nexus: {} } })
    up = startMtls(['up', '--config', mesh.configFile])
    ending = new Ending()
    ending.add(() => mesh.remove())
    ending.add(() => up.stop())
    await up.says(/ready:/)
  })

  afterEach(() => ending.end())

  const revoke = async (...args: string[]) => {
    const { code, stdout, stderr } = await mtls(['revoke', '--config', mesh.configFile, '--json', ...args])
    assert.notEqual(stdout, '', stderr)
    return { code, report: JSON.parse(stdout) }
  }
  const joined = async (service: string): Promise<Mesh> => {
    const one = await join(service, { config: mesh.configFile })
    ending.add(() => one.leave())
    return one
  }
  /** Until the authority knows that so many peers enforce what is published. */
  const untilKnown = async (peers: number) => {
    for (;;) {
      const { stdout } = await mtls(['status', '--config', mesh.configFile, '--json'])
      const { services } = JSON.parse(stdout) as { services: { live: number }[] }
      if (services.reduce((sum, { live }) => sum + live, 0) >= peers) return
    }
  }

  test('cuts what is open, tells who enforced it, and lets in again who is issued a certificate', async () => {
    const lake = await Greeter.start(mesh, 'lake')
    ending.add(() => lake.stop())
    await joined('stream')
    const nexus = await joined('nexus')
    await untilKnown(3)
    const call = async () => (await nexus.fetch(lake.url)).text()
    assert.equal(await call(), 'hello nexus')

    const revoked = once(nexus, 'revoked')
    const error = await lake.cutOff(nexus, async () => {
      const { code, report } = await revoke('nexus', '--reason', 'key-compromise', '--yes')
      assert.equal(code, 0)
      assert.deepEqual(report.enforced.map(({ service }: { service: string }) => service).sort(), [
        'lake',
        'stream',
      ])
      assert.deepEqual([report.barred, report.late, report.served], [['nexus'], [], true])
    })
    assert.match(error.refusal?.rule ?? error.message, /^(SELF_)?REVOKED$/)
    await revoked
    await assert.rejects(call(), (failure: MeshError) => failure.refusal?.rule === 'SELF_REVOKED')

    const rotated = once(nexus, 'rotated')
    assert.equal((await mtls(['issue', 'nexus', '--config', mesh.configFile])).code, 0)
    await rotated
    assert.equal(await call(), 'hello nexus')
  })

  test('names a live peer that is late, with exit code 1, and is enforced there when it wakes up', async () => {
    const script = joinPath(import.meta.dirname, 'joined-service.ts')
    const stream = Child.start(execPath, [script, mesh.configFile, 'stream'])
    ending.add(() => stream.stop('SIGKILL'))
    await stream.says(/has joined/)
    await joined('lake')
    await untilKnown(2)
    stream.signal('SIGSTOP')
    const late = await revoke('nexus', '--wait', '1s', '--yes')
    assert.deepEqual([late.code, late.report.late], [1, ['stream']])
    stream.signal('SIGCONT')
    const again = await revoke('nexus', '--wait', '60s', '--yes')
    assert.deepEqual([again.code, again.report.late, again.report.bundle], [0, [], late.report.bundle])
  })
})
