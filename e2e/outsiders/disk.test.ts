import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, rmSync, statfsSync, statSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { AuthorityError } from '@datapunk/authority'
import { atEnd } from '@datapunk/testkit'
import { Child } from '../child.ts'
import { type ConfigText, MeshFolder } from '../mesh-folder.ts'
import { needsRoot, program } from '../outsider.ts'
import { assertWholePair } from '../whole-pair.ts'

const belongingTo = (organization: string): ConfigText => ({
  certificates: { organization, country: 'US', key_algorithm: 'ecdsa-p256' },
  services: { lake: {}, stream: {} },
})

test(
  'a disk that is full at any step leaves whole pairs, and the next apply repairs',
  needsRoot('mount', 'umount'),
  async (t) => {
    const disk = await mounted(t, 'size=64m')
    const mesh = await MeshFolder.applied(belongingTo('0'), disk)
    const filler = join(disk, 'filler')
    const failures = new Set<string>()
    const deeds = {
      apply: (round: number) => {
        mesh.write(belongingTo(`${round}`))
        return mesh.apply()
      },
      issue: () => mesh.issue('lake'),
    }
    for (const [name, deed] of Object.entries(deeds)) {
      // With one page more each time, it fails one step later each time, until there is room enough.
      for (let pages = 0, enough = false; !enough; pages++) {
        assert.ok(pages < 400, `${name} never had enough room`)
        leaveFree(disk, filler, pages)
        try {
          await deed(pages)
          enough = true
        } catch (error) {
          assert.ok(error instanceof AuthorityError)
          assert.match(error.code, /^(DISK|STORE)_FAILED$|^LOG_UNAVAILABLE$/)
          assert.match(error.message, /free space/i)
          failures.add(error.message.replaceAll(mesh.folder, '').replaceAll(/[0-9a-f]{8,}|\d+/g, 'N'))
        }
        for (const service of ['lake', 'stream']) assertWholePair(mesh, service)
      }
      rmSync(filler)
      await mesh.apply()
      assert.deepEqual((await mesh.apply()).done, [])
    }
    for (const failure of failures) t.diagnostic(failure)
    assert.ok(failures.size > 1)
  },
)

test(
  'an authority that runs says that the disk is full, whoever ran into it, until a look finds that it is not',
  needsRoot('mount', 'umount'),
  async (t) => {
    const disk = await mounted(t, 'size=64m')
    const mesh = await MeshFolder.applied(belongingTo('0'), disk)
    const authority = await mesh.authority()
    try {
      await authority.servePeers()
      assert.equal(authority.fault, undefined)
      const filler = join(disk, 'filler')
      leaveFree(disk, filler, 0)
      let stirred = 0
      authority.onStirred(() => stirred++)
      const revoking = authority.revoke({ targets: [{ service: 'lake' }], reason: 'superseded' })
      await assert.rejects(revoking, { code: 'STORE_FAILED', message: /Free space/ })
      assert.ok(stirred > 0, 'whoever keeps the mesh looks')
      assert.match(authority.fault ?? '', /Free space/)
      assert.match((await authority.status()).fault ?? '', /Free space/)
      // There is nothing to do, and yet it is seen whether anything could be done.
      await assert.rejects(authority.apply({ approve: () => false }), { code: 'STORE_FAILED' })
      rmSync(filler)
      assert.deepEqual((await authority.apply({ approve: () => false })).done, [])
      assert.equal(authority.fault, undefined)
    } finally {
      await authority.close()
    }
  },
)

test(
  'a folder that is read-only leaves whole pairs, and the next apply repairs',
  needsRoot('mount', 'umount'),
  async (t) => {
    const disk = await mounted(t, 'size=4m')
    const mesh = await MeshFolder.applied(belongingTo('0'), disk)
    const before = assertWholePair(mesh, 'lake').serial
    mesh.write(belongingTo('1'))
    await Child.output(program('mount'), ['-o', 'remount,ro', disk])
    await assert.rejects(mesh.apply(), /EROFS|read-only/i)
    assert.equal(assertWholePair(mesh, 'lake').serial, before)
    await Child.output(program('mount'), ['-o', 'remount,rw', disk])
    await mesh.apply()
    assert.deepEqual(assertWholePair(mesh, 'lake').subject.organization, ['1'])
    assert.deepEqual((await mesh.apply()).done, [])
  },
)

/** A file system of its own, in memory. */
async function mounted(t: TestContext, options: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'mesh-disk-'))
  await Child.output(program('mount'), ['-t', 'tmpfs', '-o', `mode=0755,${options}`, 'tmpfs', folder])
  atEnd(t, async () => {
    await Child.output(program('umount'), [folder])
    rmSync(folder, { recursive: true })
  })
  return folder
}

/** Fills the disk up to so many free pages. */
function leaveFree(disk: string, filler: string, pages: number): void {
  appendFileSync(filler, '')
  const { bavail, bsize } = statfsSync(disk)
  appendFileSync(filler, new Uint8Array(Math.max(0, bavail - pages) * bsize))
  if (bavail < pages) truncateSync(filler, Math.max(0, statSync(filler).size - (pages - bavail) * bsize))
}
