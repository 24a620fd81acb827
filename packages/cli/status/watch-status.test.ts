import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { run } from '../run.ts'
import { prepareFiles } from '../testing/prepared-files.ts'
import { WatchedWorld } from '../testing/watched-world.ts'

describe('status --watch', () => {
  let folder: string
  const mtls = (world: WatchedWorld, ...args: string[]) => run(args, world.world)
  const apply = async (config: string) => {
    const code = await mtls(new WatchedWorld(), 'apply', '--yes', '--config', join(folder, config))
    assert.equal(code, 0)
  }
  const watch = (world: WatchedWorld, ...args: string[]) =>
    mtls(world, 'status', '--watch', '--config', join(folder, 'two.yaml'), ...args)

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mtls-'))
    await prepareFiles(folder)
    await apply('one.yaml')
  })
  after(() => rmSync(folder, { recursive: true }))

  test('appends a line when something has changed, and ends with 0', async () => {
    const world = new WatchedWorld()
    const ended = watch(world)
    await world.until(/bundle 1\.2, enforced by 0 of 1 service, 0 live\n/)
    await apply('two.yaml')
    await world.until(/bundle 1\.\d+, enforced by 0 of 2 services, 0 live\n/)
    world.end()
    assert.equal(await ended, 0)
    assert.equal(world.shown.match(/0 of 2 services/g)?.length, 1)
  })

  test('as documents, a line each', async () => {
    const world = new WatchedWorld()
    const ended = watch(world, '--json')
    await world.until(/\n$/)
    world.end()
    assert.equal(await ended, 0)
    const [document] = world.shown
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.deepEqual(
      document.services.map(({ service }: { service: string }) => service),
      ['lake', 'stream'],
    )
  })

  test('draws in place on a terminal, as far as there is room', async () => {
    const world = new WatchedWorld({ rows: 4 })
    const ended = watch(world)
    const shown = await world.until(/… and \d+ more lines/)
    world.end()
    assert.equal(await ended, 0)
    assert.ok(shown.startsWith('\u001b[2J\u001b[H'))
    assert.equal(shown.split('\n').length, 4)
    assert.doesNotMatch(shown, /Ctrl-C/)
  })

  test('what can’t be looked at from the first is an error', async () => {
    const world = new WatchedWorld()
    assert.equal(await mtls(world, 'status', '--watch', '--config', join(folder, 'nowhere.yaml')), 2)
    assert.match(world.shown, /CONFIG_UNREADABLE/)
  })
})
