import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { TestCa } from '@datapunk/testkit'
import { LogMesh } from './testing/log-mesh.ts'
import { TrustedRoots } from './trusted-roots.ts'

describe('the trust statements that a log follows', () => {
  let logMesh: LogMesh
  let memory: string

  beforeEach(async () => {
    logMesh = await LogMesh.create()
    memory = join(logMesh.mesh.folder, 'own', 'trust.json')
    mkdirSync(dirname(memory))
  })

  afterEach(() => logMesh.remove())

  const trustedRoots = (latest = () => logMesh.now) => {
    const { layout, config } = logMesh.mesh
    return new TrustedRoots({ mesh: layout.mesh, caCert: config.paths.caCert, memory, latest })
  }

  it('are found when they were published before somebody asks, also while a look that began before goes on', async () => {
    await logMesh.mesh.trust({})
    const second = logMesh.mesh.layout.mesh.trustStatement({ generation: 1, counter: 2 })
    const elsewhere = join(logMesh.mesh.folder, 'second')
    renameSync(second, elsewhere)
    let asked: Promise<void> | undefined
    const trusted = trustedRoots(() => {
      // The first look has read the folder by now.
      if (asked === undefined) {
        renameSync(elsewhere, second)
        asked = trusted.refresh()
      }
      return logMesh.now
    })
    await trusted.refresh()
    await asked
    assert.equal(trusted.statement?.number.counter, 2)
  })

  it('are believed as far as the one before allows, whatever root was there in the beginning', async () => {
    const { mesh } = logMesh
    const next = await TestCa.create({ seed: 'next', at: mesh.ca.at })
    const trusted = trustedRoots()
    for (const roots of [[mesh.ca.root.certificate, next.root.certificate], [next.root.certificate]]) {
      await mesh.trust({ roots }, [next.root])
      await trusted.refresh()
    }
    // Which the root that was dropped has signed alone.
    await mesh.trust({ roots: [mesh.ca.root.certificate] })
    await assert.rejects(trusted.refresh(), { code: 'LOG_UNREADABLE' })
    await assert.rejects(trustedRoots().refresh(), { code: 'LOG_UNREADABLE' })
    assert.equal(trusted.statement?.number.counter, 3)
  })

  it('are not begun with anew while what was believed can’t be read, but where it is no statement', async () => {
    await trustedRoots().refresh()
    rmSync(memory)
    mkdirSync(memory)
    await assert.rejects(trustedRoots().refresh(), { code: 'LOG_UNREADABLE', message: /no regular file/ })
    rmSync(memory, { recursive: true })
    writeFileSync(memory, '{')
    const trusted = trustedRoots()
    await trusted.refresh()
    assert.equal(trusted.statement?.number.counter, 1)
  })

  it('are durable when they are believed', async (t) => {
    const handle = await open(logMesh.mesh.folder)
    const handles = Object.getPrototypeOf(handle)
    await handle.close()
    const synced: number[] = []
    t.mock.method(handles, 'sync', async function (this: typeof handle) {
      synced.push((await this.stat()).ino)
    })
    const trusted = trustedRoots()
    await trusted.refresh()
    assert.deepEqual(readFileSync(memory), Buffer.from(trusted.statement!.bytes))
    assert.deepEqual(synced, [statSync(dirname(memory)).ino])
  })
})
