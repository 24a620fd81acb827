import assert from 'node:assert/strict'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { FixedClock, TestMesh } from '@datapunk/testkit'
import { join, type Mesh, type MeshError, type Staleness } from './index.ts'
import { listen } from './testing/listen.ts'

const day = 24 * 60 * 60 * 1000
const minute = 60_000

describe('a bundle', () => {
  let testMesh: TestMesh
  let clock: FixedClock
  let lake: Mesh
  let stale: Staleness[]
  let port: number
  let close: () => void

  beforeEach(async () => {
    testMesh = await TestMesh.create({ services: { lake: {}, stream: {} } })
    clock = new FixedClock(testMesh.ca.at)
    lake = await join('lake', { config: testMesh.configFile, clock, pollEvery: 2 ** 31 - 1 })
    stale = []
    lake.on('stale', (staleness) => stale.push(staleness))
    const server = lake.createServer((_request, response) => response.end())
    port = await listen(server)
    close = () => server.close()
  })

  afterEach(async () => {
    close()
    await lake.leave()
    await testMesh.remove()
  })

  const call = async () => {
    const stream = await join('stream', {
      config: testMesh.configFile,
      clock: new FixedClock(testMesh.ca.at),
    })
    try {
      return (await stream.fetch(`https://lake.service.datapunk:${port}/`)).status
    } finally {
      await stream.leave()
    }
  }

  test('ends once more where a clock that showed its end was ahead, and has been set right', () => {
    const ends = () => stale.filter(({ expired }) => expired).length
    clock.advance(8 * day)
    assert.equal(ends(), 1)
    clock.shift(-4 * day)
    clock.advance(minute)
    clock.advance(2 * day)
    assert.equal(ends(), 1)
    clock.advance(2 * day)
    assert.equal(ends(), 2)
  })

  test('that grows old is announced, long before it ends; then nobody is served, and what is open is cut', async () => {
    clock.advance(3 * day)
    assert.deepEqual(stale, [])
    clock.advance(day)
    assert.deepEqual(
      stale.map(({ expired }) => expired),
      [false],
    )
    assert.equal(await call(), 200)
    const cut = once(lake, 'cut')
    const stream = await join('stream', {
      config: testMesh.configFile,
      clock: new FixedClock(testMesh.ca.at),
    })
    const open = await stream.connect({ host: 'lake', port })
    open.on('error', () => {})
    // The clocks of two machines may differ by five minutes.
    clock.advance(3 * day + 4 * minute)
    assert.equal(await call(), 200)
    clock.advance(2 * minute)
    assert.deepEqual(
      stale.map(({ expired }) => expired),
      [false, true],
    )
    await cut
    const refused = once(lake, 'refused')
    await assert.rejects(call())
    const [refusal] = await refused
    assert.equal(refusal.rule, 'BUNDLE_EXPIRED')
    assert.match(refusal.message, /by this machine’s clock/)
    assert.match(refusal.fix, /mtls up/)
    await assert.rejects(lake.fetch(`https://stream.service.datapunk:${port}/`), (error: MeshError) => {
      assert.match(error.message, /ended at/)
      return true
    })
    await stream.leave()
  })

  test('that comes in time opens it again', async () => {
    clock.advance(8 * day)
    await assert.rejects(call())
    await testMesh.publish(testMesh.ca.at + 8 * day)
    await lake.refresh()
    assert.equal(await call(), 200)
  })

  test('from the future is not believed, and says which clock to look at', async () => {
    await testMesh.publish(testMesh.ca.at + 6 * minute)
    const problem = once(lake, 'problem')
    await lake.refresh()
    const [error] = (await problem) as [MeshError]
    assert.equal(error.data.rule, 'ISSUED_IN_THE_FUTURE')
    assert.match(error.message, /clock/)
  })
})
