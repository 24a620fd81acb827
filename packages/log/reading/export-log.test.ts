import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { LogMesh } from '../testing/log-mesh.ts'
import type { TransparencyLog } from '../transparency-log.ts'
import { exportLog } from './export-log.ts'
import { readFolder } from './read-folder.ts'
import { verifyLog } from './verify-log.ts'

describe('the copy of a log', () => {
  let logMesh: LogMesh
  let log: TransparencyLog
  let folder: string

  beforeEach(async () => {
    logMesh = await LogMesh.create()
    log = await logMesh.open()
    folder = join(logMesh.mesh.folder, 'copy')
  })

  afterEach(async () => {
    await log.close()
    await logMesh.remove()
  })

  const copy = () => exportLog((path) => log.read(path), log, folder)

  test('is all that it shows, and can be verified alone', async () => {
    for (const each of await logMesh.precertificates(2)) await log.submit(logMesh.chainOf(each))
    assert.equal((await copy())?.size, 2)
    assert.equal((await verifyLog(readFolder(folder), log))?.size, 2)
    assert.deepEqual(readFileSync(join(folder, 'checkpoint')), Buffer.from(log.checkpoint!.signed))
  })

  test('has no checkpoint where the log is not whole, or is empty', async () => {
    assert.equal(await copy(), undefined)
    assert.equal(existsSync(folder), false)
    for (const each of await logMesh.precertificates(1)) await log.submit(logMesh.chainOf(each))
    rmSync(join(log.folder.public, 'issuer'), { recursive: true })
    await assert.rejects(copy(), { code: 'LOG_WRONG' })
    assert.equal(existsSync(join(folder, 'checkpoint')), false)
  })

  test('takes the place of nothing', async () => {
    const [each] = await logMesh.precertificates(1)
    await log.submit(logMesh.chainOf(each!))
    await copy()
    await assert.rejects(copy(), { code: 'FOLDER_TAKEN' })
    folder = join(folder, 'checkpoint')
    await assert.rejects(copy(), { code: 'LOG_WRITE_FAILED', message: /the copy in .*; there is a file/ })
  })
})
