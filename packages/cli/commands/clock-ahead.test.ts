import assert from 'node:assert/strict'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { run } from '../run.ts'
import { prepareFiles } from '../testing/prepared-files.ts'
import { WatchedWorld } from '../testing/watched-world.ts'

const DAY = 24 * 60 * 60 * 1000

describe('of a mesh that was made by a clock that was ten days ahead', () => {
  let folder: string

  const shownBy = async (line: string, clock = Date.now) => {
    const watched = new WatchedWorld()
    const args = [...line.split(' '), '--config', join(folder, 'mtls-config.yaml')]
    return {
      code: await run(args, { ...watched.world, clock }),
      shown: watched.shown,
      printed: watched.printed,
    }
  }

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ahead-'))
    await prepareFiles(folder)
    copyFileSync(join(folder, 'one.yaml'), join(folder, 'mtls-config.yaml'))
    assert.equal((await shownBy('apply', () => Date.now() + 10 * DAY)).code, 0)
  })
  after(() => rmSync(folder, { recursive: true }))

  for (const line of ['apply', 'plan --check', 'status', 'doctor'])
    test(`mtls ${line} says what makes it anew, and that it is not as it should be`, async () => {
      const { code, shown } = await shownBy(line)
      assert.equal(code, 1)
      assert.match(shown, /`mtls rotate --log` and, once that is done, `mtls rotate --root-ca`/)
      assert.doesNotMatch(shown, /nothing to do[:;]|rotate (lake|SERVICE|--all)/)
    })

  test('mtls plan and apply, as documents', async () => {
    for (const line of ['plan --json', 'apply --json']) {
      const { ahead } = JSON.parse((await shownBy(line)).printed)
      assert.match(ahead, /^bundle 1\.2 is of /)
    }
  })
})
