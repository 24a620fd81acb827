import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { openFolderOf } from './open-folder.ts'

describe('the folder of a file', () => {
  let folder: string
  let file: string

  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'open-')))
    mkdirSync(join(folder, 'a'))
    file = join(folder, 'a/config.yaml')
    writeFileSync(file, '')
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  test('is open where anybody may replace what lies there, and not where that is sticky, or open to a group', () => {
    const open = join(folder, 'a')
    for (const mode of [0o755, 0o775, 0o1777]) {
      chmodSync(open, mode)
      assert.equal(openFolderOf(file), undefined)
    }
    chmodSync(open, 0o777)
    assert.deepEqual(openFolderOf(file), { path: open, mode: 0o40777 })
  })

  test('counts for each link that leads to it, and for the file itself', () => {
    for (const name of ['b', 'c']) mkdirSync(join(folder, name))
    symlinkSync('../a/config.yaml', join(folder, 'b/config.yaml'))
    symlinkSync(join(folder, 'b/config.yaml'), join(folder, 'c/config.yaml'))
    const link = join(folder, 'c/config.yaml')
    assert.equal(openFolderOf(link), undefined)
    for (const name of ['a', 'b', 'c']) {
      const open = join(folder, name)
      chmodSync(open, 0o777)
      assert.equal(openFolderOf(link)?.path, open)
      chmodSync(open, 0o755)
    }
  })

  test('is looked for in no circle, and where there is none there is nothing to replace', () => {
    symlinkSync('circle', join(folder, 'circle'))
    assert.equal(openFolderOf(join(folder, 'circle')), undefined)
    assert.equal(openFolderOf(join(folder, 'none/config.yaml')), undefined)
  })
})
