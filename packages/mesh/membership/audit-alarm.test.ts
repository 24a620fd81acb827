import assert from 'node:assert/strict'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { TestMesh } from '@datapunk/testkit'
import { join, type Mesh, type MeshError } from '../index.ts'

describe('the audit of the authority, to a peer', () => {
  let testMesh: TestMesh
  let lake: Mesh
  let problems: MeshError[]
  let updated: unknown[]

  beforeEach(async () => {
    testMesh = await TestMesh.create({ services: { lake: {} } })
    await publish(20)
    await rejoin()
  })

  afterEach(async () => {
    await lake.leave()
    await testMesh.remove()
  })

  async function publish(size: number | undefined, root = 1): Promise<void> {
    testMesh.audit = size === undefined ? undefined : { size, root: Buffer.alloc(32, root) }
    await testMesh.publish()
  }

  async function rejoin(): Promise<void> {
    lake = await join('lake', { config: testMesh.configFile })
    problems = []
    updated = []
    lake.on('problem', (problem) => problems.push(problem))
    lake.on('updated', ({ bundle }) => updated.push(bundle))
  }

  /** What was told, once the bundle was taken up all the same. */
  async function alarms(): Promise<unknown[]> {
    await lake.refresh()
    assert.deepEqual(updated.at(-1), testMesh.number)
    return problems.map(({ code, data }) => [code, data.sizeBefore, data.size])
  }

  test('only grows, or stays as it is', async () => {
    await publish(21, 2)
    await lake.refresh()
    await publish(21, 2)
    assert.deepEqual(await alarms(), [])
  })

  test('that became smaller is an alarm, and refuses nothing', async () => {
    await publish(19)
    assert.deepEqual(await alarms(), [['AUDIT_WENT_BACK', 20, 19]])
    assert.match(
      problems[0]?.message ?? '',
      /an audit of 19 entries in bundle 1\.3 after one of 20 in 1\.2.*mtls audit verify/,
    )
  })

  test('of the same size with other entries is one', async () => {
    await publish(20, 2)
    assert.deepEqual(await alarms(), [['AUDIT_WENT_BACK', 20, 20]])
  })

  test('that is not told of any more is one', async () => {
    await publish(undefined)
    assert.deepEqual(await alarms(), [['AUDIT_WENT_BACK', 20, undefined]])
  })

  test('may be smaller in a new generation, after a restore', async () => {
    await testMesh.trust({ number: { generation: 2, counter: 2 } })
    testMesh.number = { generation: 2, counter: 0 }
    await publish(5)
    assert.deepEqual(await alarms(), [])
  })

  test('is remembered over a restart', async () => {
    await lake.leave()
    await publish(19)
    await rejoin()
    const [problem] = (await once(lake, 'problem')) as [MeshError]
    assert.equal(problem.code, 'AUDIT_WENT_BACK')
    assert.deepEqual(problem.data.bundle, testMesh.number)
  })
})
