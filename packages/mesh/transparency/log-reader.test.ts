import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { layoutOf } from '@datapunk/protocol'
import type { AuthorityRoute } from '../authority/authority-route.ts'
import { logReader, type ReadLog } from './log-reader.ts'

const id = 'ab'.repeat(16)

describe('a log that lies on this machine', () => {
  let state: string
  let file: string
  let read: ReadLog

  beforeEach(() => {
    state = mkdtempSync(join(tmpdir(), 'log-reader-'))
    const layout = layoutOf({ authority: { state } })
    const { public: shown } = layout.log(id)
    mkdirSync(shown, { recursive: true })
    file = join(shown, 'checkpoint')
    const route = { connect: () => Promise.reject(new Error('the authority was asked')) }
    const clock = { after: () => () => {} }
    const reader = logReader({ layout, route: route as unknown as AuthorityRoute, clock: clock as never })
    read = reader(id, new AbortController().signal)
  })

  afterEach(() => rmSync(state, { recursive: true }))

  test('is read there', async () => {
    writeFileSync(file, 'signed')
    assert.equal(Buffer.from(await read('checkpoint', 6)).toString(), 'signed')
  })

  test('is asked for at the authority where there is no file, or a larger one, and nothing is waited for', async () => {
    for (const put of [
      () => {},
      () => execFileSync('mkfifo', [file]),
      () => symlinkSync('/dev/zero', file),
      () => mkdirSync(file),
      () => writeFileSync(file, 'larger'),
    ]) {
      put()
      await assert.rejects(read('checkpoint', 5), { message: 'the authority was asked' })
      rmSync(file, { recursive: true, force: true })
    }
  })
})
