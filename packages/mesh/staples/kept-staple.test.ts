import assert from 'node:assert/strict'
import { join as joinPath } from 'node:path'
import { after, before, test } from 'node:test'
import { FixedClock, TestMesh } from '@datapunk/testkit'
import type { MeshError } from '../error.ts'
import { Membership } from '../membership/membership.ts'
import { KeptStaple, type StapleSource } from './kept-staple.ts'
import { StapleMemory } from './staple-memory.ts'

let testMesh: TestMesh
let membership: Membership
before(async () => {
  testMesh = await TestMesh.create({ services: { lake: { ocspStapling: 'required' } } })
  membership = await Membership.open({
    place: { file: testMesh.configFile, environment: undefined, root: undefined },
    service: 'lake',
    ...{ clock: new FixedClock(testMesh.ca.at), random: Buffer.alloc, pollEvery: 1, memory: undefined },
  })
})
after(async () => {
  await membership.stop()
  await testMesh.remove()
})

test('a staple that does not come is asked for ever more rarely, and missed once', async () => {
  const clock = new FixedClock(testMesh.ca.at)
  const asked: number[] = []
  const problems: MeshError[] = []
  const source: StapleSource = {
    fetch: async () => {
      asked.push((clock.now() - testMesh.ca.at) / 1000)
      throw new Error('404')
    },
    memory: new StapleMemory(joinPath(testMesh.folder, 'no memory')),
    view: () => membership.current().view,
    clock,
    random: (size) => Buffer.alloc(size, 0xff),
    problem: (problem) => problems.push(problem),
    changed: () => {},
  }
  const kept = new KeptStaple(membership.current().identity, source)
  await kept.tried
  for (let second = 0; second < 1200; second++) {
    clock.advance(1000)
    await new Promise(setImmediate)
  }
  assert.deepEqual(asked, [0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 811, 1111])
  assert.deepEqual(
    problems.map(({ code }) => code),
    ['STAPLE_MISSING'],
  )
  await kept.stop()
  clock.advance(3_600_000)
  assert.equal(asked.length, 12)
})
