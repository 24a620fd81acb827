import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { TestMesh } from '@datapunk/testkit'
import { run } from '../run.ts'
import { WatchedWorld } from '../testing/watched-world.ts'

const HOUR = 60 * 60 * 1000

describe('by a clock that is behind, what no peer believes is not believed by', () => {
  let mesh: TestMesh
  before(async () => {
    mesh = await TestMesh.create({ services: { lake: {}, stream: {} } })
  })
  after(() => mesh.remove())

  const shownBy = async (line: string, clock: () => number) => {
    const watched = new WatchedWorld()
    const args = [...line.split(' '), '--config', mesh.configFile]
    return { code: await run(args, { ...watched.world, clock }), shown: watched.shown }
  }

  for (const line of ['why stream lake', 'pins', 'log list', 'verify lake.crt'])
    test(`mtls ${line}`, async () => {
      const { code, shown } = await shownBy(line, () => Date.now() - HOUR)
      assert.equal(code, 1)
      assert.match(shown, /issued at .* set the clocks .* right \[BUNDLE_REFUSED\]/)
      assert.doesNotMatch((await shownBy(line, Date.now)).shown, /BUNDLE_REFUSED/)
    })
})
