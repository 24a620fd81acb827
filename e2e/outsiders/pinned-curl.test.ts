import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { atEnd } from '@datapunk/testkit'
import { Child } from '../child.ts'
import { Greeter } from '../greeter.ts'
import { MeshFolder } from '../mesh-folder.ts'
import { mtls } from '../mtls.ts'
import { needs, program } from '../outsider.ts'

test(
  'curl with the pins of before a rotation is served after it too, and not with those of another',
  needs('curl'),
  async (t) => {
    const mesh = await MeshFolder.applied({ services: { lake: {}, stream: {} } })
    atEnd(t, () => mesh.remove())
    const lake = await Greeter.start(mesh, 'lake')
    atEnd(t, () => lake.stop())
    const pinsOf = async (service: string) => {
      const { stdout, code } = await mtls(['pins', service, '--format', 'curl', '--config', mesh.configFile])
      assert.equal(code, 0)
      return stdout.trim()
    }
    const { cert, key } = mesh.pair('stream')
    const curl = (pins: string) => {
      const where = ['--connect-to', `::127.0.0.1:${lake.port}`, '--cacert', mesh.caCert]
      const args = ['--silent', '--show-error', ...where, '--cert', cert, '--key', key]
      return Child.run(program('curl'), [...args, '--pinnedpubkey', pins, lake.url])
    }

    const before = await pinsOf('lake')
    assert.equal((await curl(before)).stdout, 'hello stream')
    const rotated = once(lake.mesh, 'rotated')
    await mesh.issue('lake')
    await lake.mesh.refresh()
    await rotated
    assert.equal((await curl(before)).stdout, 'hello stream', 'the next key was among them')
    assert.equal((await curl(await pinsOf('lake'))).stdout, 'hello stream')

    const other = await curl(await pinsOf('stream'))
    assert.match(other.stderr, /public key does not match pinned public key/)
    assert.deepEqual([other.stdout, lake.calls], ['', 3])
  },
)
