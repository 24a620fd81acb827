import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { DiskStore } from './disk-store.ts'

describe('the objects of a log on a disk', () => {
  let folder: string
  let store: DiskStore

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'store-'))
    store = new DiskStore(join(folder, 'public'))
  })

  afterEach(() => rmSync(folder, { recursive: true }))

  const octets = Buffer.from('octets')

  test('are durable when they are written, each by its octets and by every folder that names it', async (t) => {
    const handle = await open(folder)
    const handles = Object.getPrototypeOf(handle)
    await handle.close()
    const synced = new Set<number>()
    for (const sync of ['sync', 'datasync'])
      t.mock.method(handles, sync, async function (this: typeof handle) {
        synced.add((await this.stat()).ino)
      })
    const files = ['tile/0/000', 'tile/0/001', 'checkpoint']
    const isSynced = (path: string) => synced.has(statSync(join(folder, path)).ino)
    await store.write(new Map(files.map((path) => [path, octets])))
    for (const path of [...files, 'tile/0', 'tile', '.']) assert.ok(isSynced(join('public', path)), path)
    assert.ok(isSynced('.'))
  })

  test('are listed, and there no more where they were removed', async () => {
    assert.deepEqual(await store.list('staging'), [])
    await store.write(new Map([['staging/1', octets]]))
    assert.deepEqual(await store.list('staging'), ['staging/1'])
    assert.deepEqual(readFileSync(join(folder, 'public/staging/1')), octets)
    await store.remove('staging/1')
    assert.deepEqual([await store.list('staging'), await store.read('staging/1')], [[], undefined])
    await store.remove('staging/1')
  })

  test('are not taken for none where they can’t be listed', async () => {
    await store.write(new Map([['tile', octets]]))
    await assert.rejects(store.list('tile'), { code: 'ENOTDIR' })
  })
})
