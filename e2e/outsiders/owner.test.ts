import assert from 'node:assert/strict'
import { realpathSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { test } from 'node:test'
import { atEnd } from '@datapunk/testkit'
import { Child } from '../child.ts'
import { MeshFolder } from '../mesh-folder.ts'
import { needsRoot, program } from '../outsider.ts'

test(
  'a pair is its owner’s, and nobody else’s, before and after it is swapped',
  needsRoot('id', 'cat'),
  async (t) => {
    const ids = async (...args: string[]) => Number(await Child.output(program('id'), args))
    const nobody = { uid: await ids('-u', 'nobody'), gid: await ids('-g', 'nobody') }
    const daemon = { uid: await ids('-u', 'daemon'), gid: await ids('-g', 'daemon') }
    const mesh = await MeshFolder.applied({
      services: { lake: { owner: 'nobody' }, stream: { owner: 'nobody', group: 'daemon' } },
    })
    atEnd(t, () => mesh.remove())
    const reads = async (who: { uid: number; gid: number }, path: string) =>
      (await Child.run(program('cat'), [path], { ...who, cwd: '/' })).code === 0

    for (let round = 0; round < 2; round++) {
      for (const service of ['lake', 'stream']) {
        const { cert, key } = mesh.pair(service)
        assert.equal(statSync(key).uid, nobody.uid)
        assert.equal(statSync(dirname(realpathSync(key))).uid, nobody.uid)
        assert.ok(
          (await reads(nobody, key)) && (await reads(nobody, cert)),
          `${service}: its owner can't read it`,
        )
      }
      const [lake, stream] = [mesh.pair('lake').key, mesh.pair('stream').key]
      assert.equal(statSync(lake).mode & 0o777, 0o600)
      assert.equal(statSync(stream).mode & 0o777, 0o640)
      assert.equal(statSync(stream).gid, daemon.gid)
      assert.equal(await reads(daemon, lake), false)
      assert.equal(await reads(daemon, stream), true, "its group can't read it")
      assert.ok(await reads(daemon, mesh.caCert))
      await mesh.issue('lake')
      await mesh.issue('stream')
    }
  },
)
