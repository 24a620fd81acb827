import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { layoutOf } from '@datapunk/protocol'
import type { AuthorityRoute } from '../authority/authority-route.ts'
import { logReader, type ReadLog } from './log-reader.ts'

const id = 'ab'.repeat(16)
const tile = 'tile/0/000.p/1'

describe('a log that lies on this machine', () => {
  let state: string
  let shown: string
  let read: ReadLog
  /** Undefined while nobody answers there. */
  let authority: Server | undefined
  let asked: string[]

  beforeEach(() => {
    state = mkdtempSync(join(tmpdir(), 'log-reader-'))
    const layout = layoutOf({ authority: { state } })
    shown = layout.log(id).public
    authority = undefined
    asked = []
    const route = {
      connect: async () => {
        if (authority === undefined) throw new Error('the authority was asked')
        return { socket: connect(authority.address() as { port: number }) }
      },
    }
    const clock = { after: () => () => {} }
    const reader = logReader({ layout, route: route as unknown as AuthorityRoute, clock: clock as never })
    read = reader(id, new AbortController().signal)
  })

  afterEach(() => {
    authority?.close()
    rmSync(state, { recursive: true })
  })

  const lies = (path: string, text: string) => {
    mkdirSync(dirname(join(shown, path)), { recursive: true })
    writeFileSync(join(shown, path), text)
  }

  const answers = async (status: number, text: string) => {
    authority = createServer(({ url = '' }, response) => {
      asked.push(url)
      response.writeHead(status).end(text)
    })
    await once(authority.listen(0, '127.0.0.1'), 'listening')
  }

  const textOf = async (path: string) => Buffer.from(await read(path, 9)).toString()

  test('is read there, but for its checkpoint, which may be of long ago', async () => {
    await answers(200, 'new')
    for (const path of [tile, 'checkpoint']) lies(path, 'old')
    assert.deepEqual([await textOf(tile), await textOf('checkpoint')], ['old', 'new'])
    assert.deepEqual(asked, [`/log/${id}/checkpoint`])
  })

  test('is read there with its checkpoint where the authority does not have it or is away', async () => {
    lies('checkpoint', 'old')
    assert.equal(await textOf('checkpoint'), 'old')
    await answers(404, '')
    assert.equal(await textOf('checkpoint'), 'old')
    assert.deepEqual(asked, [`/log/${id}/checkpoint`])
  })

  test('is asked for at the authority where there is no file, or a larger one, and nothing is waited for', async () => {
    const file = join(shown, tile)
    mkdirSync(dirname(file), { recursive: true })
    for (const put of [
      () => {},
      () => execFileSync('mkfifo', [file]),
      () => symlinkSync('/dev/zero', file),
      () => mkdirSync(file),
      () => writeFileSync(file, 'larger'),
    ]) {
      put()
      await assert.rejects(read(tile, 5), { message: 'the authority was asked' })
      rmSync(file, { recursive: true, force: true })
    }
  })
})
