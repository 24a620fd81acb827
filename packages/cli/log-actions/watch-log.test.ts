import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { readUrl } from '@datapunk/log'
import { freePort, TestLog } from '@datapunk/testkit'
import { run } from '../run.ts'
import { prepareFiles } from '../testing/prepared-files.ts'
import { WatchedWorld } from '../testing/watched-world.ts'
import { Output } from '../text/output.ts'
import { watchLogs } from './watch-log.ts'

describe('a log that nobody can reach', () => {
  let folder: string
  let config: string
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'watch-'))
    config = join(folder, 'one.yaml')
    await prepareFiles(folder)
    assert.equal(await run(['apply', '--config', config], new WatchedWorld().world), 0)
  })
  after(() => rmSync(folder, { recursive: true }))

  for (const json of [false, true])
    test(`and that was to be held against the inventory once, is a bad answer${json ? ' with --json' : ''}`, async () => {
      const watched = new WatchedWorld()
      const { world } = watched
      const { signer, id } = await TestLog.create()
      const url = `http://127.0.0.1:${await freePort()}`
      const source = { log: { spki: signer.spki, origin: 'log.test/1' }, id, read: readUrl(url) }
      const context = {
        world,
        output: new Output(world),
        place: { file: config, environment: undefined, root: undefined },
        json,
      }
      assert.equal(await watchLogs(context, [source], { once: true }), 1)
      assert.match(watched.shown, /can't be had/)
    })
})
