import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { layoutOf } from '@datapunk/protocol'
import { LogMesh } from '../testing/log-mesh.ts'
import { type ServeLogOptions, serveLog } from './serve-log.ts'

describe('a log in a process of its own', () => {
  let logMesh: LogMesh
  let options: ServeLogOptions

  beforeEach(async () => {
    logMesh = await LogMesh.create()
    options = {
      ...{ config: logMesh.mesh.config, folder: join(logMesh.mesh.folder, 'own') },
      ...{ host: '127.0.0.1', port: 0, url: 'http://log.test:7481', fresh: false },
      ...{ clock: () => logMesh.now, onRefused: () => {} },
    }
  })

  afterEach(() => logMesh.remove())

  const layout = () => layoutOf({ authority: { state: options.folder } })

  it('keeps its name and its mesh over restarts, and makes another where that is asked for', async () => {
    const first = await serveLog(options)
    const { url } = first
    assert.match(url, /^http:\/\/log\.test:7481\/log\/[0-9a-f]{32}$/)
    assert.equal(await first.mesh(), logMesh.mesh.meshId)
    await assert.rejects(serveLog(options), { code: 'LOG_TAKEN' })
    await first.close()
    const again = await serveLog(options)
    assert.deepEqual([again.url, again.size, await again.mesh()], [url, 0, logMesh.mesh.meshId])
    await again.close()
    const other = await serveLog({ ...options, fresh: true })
    assert.notEqual(other.url, url)
    await other.close()
    assert.equal(statSync(options.folder).mode & 0o777, 0o755)
  })

  it('is of the first mesh that it has heard of, and of no other', async () => {
    const first = await serveLog(options)
    const { dir, trust } = layout().log(first.url.split('/').at(-1)!)
    execFileSync('mkfifo', [join(dir, '.log.json')])
    await assert.rejects(first.mesh(), { code: 'LOG_WRITE_FAILED', message: /ENXIO/ })
    assert.equal(await first.mesh(), logMesh.mesh.meshId)
    await first.close()
    rmSync(trust)
    const other = await LogMesh.create()
    const elsewhere = await serveLog({ ...options, config: other.mesh.config })
    await assert.rejects(elsewhere.mesh(), { code: 'LOG_ENDED' })
    await elsewhere.close()
    await other.remove()
  })

  it('has no mesh before one is published', async () => {
    const config = { ...options.config, paths: { ...options.config.paths, caCert: '/nowhere' } }
    const log = await serveLog({ ...options, config })
    assert.equal(await log.mesh(), undefined)
    await log.close()
  })

  it('is not served under another name, nor where somebody else is', async () => {
    await (await serveLog(options)).close()
    await assert.rejects(serveLog({ ...options, url: 'http://other.test:7481' }), {
      code: 'LOG_ELSEWHERE',
      message: /log\.test:7481/,
    })
    await using taken = await takenPort()
    const { port } = taken
    await assert.rejects(serveLog({ ...options, port }), { code: 'LISTEN_FAILED', message: /EADDRINUSE/ })
    // Its folder was let go of.
    await (await serveLog(options)).close()
  })

  it('goes on where another was to take its place and can’t be served, or while it runs itself', async () => {
    const first = await serveLog(options)
    await assert.rejects(serveLog({ ...options, fresh: true }), { code: 'LOG_TAKEN' })
    await first.close()
    await using taken = await takenPort()
    const { port } = taken
    await assert.rejects(serveLog({ ...options, port, fresh: true }), { code: 'LISTEN_FAILED' })
    assert.equal(readdirSync(layout().logsDir).length, 1)
    const again = await serveLog(options)
    assert.equal(again.url, first.url)
    await again.close()
  })

  it('goes on where a crash came just before it ended, and who was to take its place ends', async () => {
    const aboutOf = (url: string) => layout().log(url.split('/').at(-1)!).about
    const read = (url: string) => JSON.parse(readFileSync(aboutOf(url), 'utf8'))
    const first = await serveLog(options)
    await first.close()
    const crashed = async () => {
      logMesh.now += 1000
      const other = await serveLog({ ...options, fresh: true })
      await other.close()
      assert.deepEqual([read(first.url).readOnly, read(other.url).readOnly], [true, false])
      // That it ends is the last step.
      writeFileSync(aboutOf(first.url), JSON.stringify({ ...read(first.url), readOnly: false }))
      return other.url
    }
    const unbegun = await crashed()
    const again = await serveLog(options)
    assert.deepEqual([again.url, read(unbegun).readOnly], [first.url, true])
    await again.close()

    const another = await crashed()
    const last = await serveLog({ ...options, fresh: true })
    await last.close()
    assert.deepEqual(
      [first.url, unbegun, another, last.url].map((url) => read(url).readOnly),
      [true, true, true, false],
    )
    const afterwards = await serveLog(options)
    assert.equal(afterwards.url, last.url)
    await afterwards.close()
  })

  it('is replaced also where its lock was damaged', async () => {
    const first = await serveLog(options)
    await first.close()
    const { lock } = layout().log(first.url.split('/').at(-1)!)
    writeFileSync(lock, 'no database: '.repeat(1000))
    await assert.rejects(serveLog(options), { code: 'LOG_DAMAGED', message: /lock.*mtls rotate --log/ })
    const other = await serveLog({ ...options, fresh: true })
    assert.notEqual(other.url, first.url)
    await other.close()
  })
})

/** Somebody else's, for as long as it is used. */
async function takenPort() {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return { port, [Symbol.asyncDispose]: async () => void server.close() }
}
