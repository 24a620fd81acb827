import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { atEnd, FixedClock, TestMesh } from '@datapunk/testkit'
import { Membership } from './membership.ts'

const POLL_EVERY = 1000

/** A service that says in which order it does what, and whether its second bundle was on disk by then. */
async function believing(t: TestContext) {
  const testMesh = await TestMesh.create({ services: { lake: {} } })
  atEnd(t, () => testMesh.remove())
  const folder = mkdtempSync(join(tmpdir(), 'keeping-'))
  atEnd(t, () => rmSync(folder, { recursive: true }))
  const memory = join(folder, 'lake')
  const clock = new FixedClock(Date.now())
  const membership = await Membership.open({
    place: { file: testMesh.configFile, environment: undefined, root: undefined },
    service: 'lake',
    ...{ clock, random: Buffer.alloc, pollEvery: POLL_EVERY, memory },
  })
  atEnd(t, () => membership.stop())
  const isOnDisk = () => existsSync(join(memory, 'head-1.2.json'))
  const done: string[] = []
  const say = (what: string) => done.push(`${what}, ${isOnDisk() ? 'on disk' : 'not on disk'}`)
  const listener = {
    changed: () => void say('enforced'),
    problem: ({ code }: { code: string }) => void say(code),
    kept: () => void say('acknowledged'),
    stirred: () => {},
  }
  membership.start(listener, async () => assert.fail('nothing is fetched'))
  await membership.kept
  const publish = async () => {
    await testMesh.publish()
    await membership.refresh()
  }
  const poll = () => {
    clock.advance(POLL_EVERY)
    return membership.refresh()
  }
  return { memory, done, isOnDisk, publish, poll }
}

test('a bundle is enforced at once, and acknowledged when it is on disk', async (t) => {
  const { done, publish } = await believing(t)
  await publish()
  assert.deepEqual(done, ['enforced, not on disk', 'acknowledged, on disk'])
})

test('a disk that is full holds up neither; that is said first, and keeping is tried again', async (t) => {
  const { memory, done, isOnDisk, publish, poll } = await believing(t)
  rmSync(memory, { recursive: true })
  writeFileSync(memory, 'in the way')
  await publish()
  await poll()
  const told = ['enforced', 'MEMORY_UNWRITABLE', 'acknowledged']
  assert.deepEqual(
    done,
    told.map((what) => `${what}, not on disk`),
  )
  rmSync(memory)
  await poll()
  assert.ok(isOnDisk())
  assert.equal(done.length, told.length)
})
