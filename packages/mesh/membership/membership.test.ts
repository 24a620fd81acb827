import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join as joinPath } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { badCertificates, FixedClock, TestMesh } from '@datapunk/testkit'
import { join, type Mesh, type MeshError } from '../index.ts'
import { listen } from '../testing/listen.ts'
import { callAsStranger } from '../testing/stranger.ts'

describe('a mesh while its files change', () => {
  let testMesh: TestMesh
  let lake: Mesh
  let problems: MeshError[]

  beforeEach(async () => {
    testMesh = await TestMesh.create({ services: { lake: {}, stream: {} } })
    lake = await join('lake', { config: testMesh.configFile })
    problems = []
    lake.on('problem', (problem) => problems.push(problem))
  })

  afterEach(async () => {
    await lake.leave()
    await testMesh.remove()
  })

  /** The serial that a server of `lake` shows now. */
  const serving = async () => {
    const stream = await join('stream', { config: testMesh.configFile })
    const server = lake.createServer((_request, response) => response.end())
    const port = await listen(server)
    const socket = await stream.connect({ host: 'lake', port })
    const { serial } = stream.peer(socket)
    await stream.leave()
    server.close()
    return serial
  }

  test('takes up a new pair by itself', async () => {
    const rotated = once(lake, 'rotated')
    const { certificate } = await testMesh.rotate('lake')
    const [rotation] = await rotated
    assert.equal(rotation.to, certificate.serial)
    assert.equal(rotation.notAfter, certificate.notAfter)
    assert.equal(await serving(), certificate.serial)
    assert.deepEqual(problems, [])
  })

  test('takes up a new bundle by itself, which is no rotation', async () => {
    lake.on('rotated', ({ to }) => assert.fail(`rotated to ${to}`))
    const updated = once(lake, 'updated')
    await testMesh.publish()
    const [update] = await updated
    assert.deepEqual(update, {
      bundle: { generation: 1, counter: 2 },
      trustStatement: { generation: 1, counter: 1 },
    })
    assert.equal(lake.counters.rotated, 0)
  })

  test('looks by itself from time to time, where nothing tells', async () => {
    const clock = new FixedClock(Date.now())
    const nexus = await join('stream', { config: testMesh.configFile, clock, pollEvery: 1000 })
    // Watches follow what was moved; from here on nothing is told.
    const { dir } = testMesh.layout.mesh
    await rename(dir, `${dir}.moved`)
    await nexus.refresh()
    await rename(`${dir}.moved`, dir)
    const updated = once(nexus, 'updated')
    await testMesh.publish()
    clock.advance(1000)
    await updated
    await nexus.leave()
  })

  test('refuses a bad new pair, says so once, keeps the old, and takes the next good one', async () => {
    const before = await serving()
    const bad = await badCertificates.expired.make(testMesh.ca, 'lake')
    await testMesh.writePair('lake', testMesh.ca.chainPem(bad), bad.keyPem)
    await lake.refresh()
    await lake.refresh()
    await testMesh.writePair('lake', 'x', 'y', 0o644)
    await lake.refresh()
    await testMesh.writePair('lake', testMesh.ca.chainPem(bad), 'y')
    await lake.refresh()
    assert.deepEqual(
      problems.map(({ code }) => code),
      ['CERTIFICATE_REFUSED', 'KEY_EXPOSED', 'KEY_UNREADABLE'],
    )
    assert.equal(await serving(), before)
    const { certificate } = await testMesh.rotate('lake')
    await lake.refresh()
    assert.equal(await serving(), certificate.serial)
  })

  test('takes a pair that was too early once its time has come', async () => {
    const clock = new FixedClock(Date.now())
    const stream = await join('stream', { config: testMesh.configFile, clock, pollEvery: 2 ** 31 - 1 })
    const rotations: string[] = []
    stream.on('rotated', ({ to }) => rotations.push(to))
    const leaf = await testMesh.rotate('stream', { notBefore: clock.now() + 60_000 })
    await stream.refresh()
    assert.deepEqual(rotations, [])
    clock.advance(61_000)
    await stream.refresh()
    assert.deepEqual(rotations, [leaf.certificate.serial])
    await stream.leave()
  })

  test('takes a pair that the bundle did not allow yet together with the bundle that does', async () => {
    const subjects = [...testMesh.member('lake').subjects, { organization: 'Newco', country: 'FR' }]
    const leaf = await testMesh.rotate('lake', { subject: { organization: 'Newco', country: 'FR' } })
    await lake.refresh()
    assert.equal(problems[0]?.data.rule, 'SUBJECT_NOT_ACCEPTED')
    testMesh.change('lake', { subjects })
    await testMesh.publish()
    await lake.refresh()
    assert.equal(await serving(), leaf.certificate.serial)
  })

  test('says of a subject that it does not accept nothing that a terminal would obey', async () => {
    await testMesh.rotate('lake', { subject: { organization: 'New\u001b[2J\nco', country: 'FR' } })
    await lake.refresh()
    assert.equal(problems[0]?.data.rule, 'SUBJECT_NOT_ACCEPTED')
    assert.match(problems[0].message, /O=New\\1b\[2J\\0aco,C=FR; allowed/)
  })

  test('refuses an older bundle, and another one of the same number', async () => {
    const old = await readFile(testMesh.layout.mesh.head)
    await testMesh.publish()
    await lake.refresh()
    await testMesh.writeHead(old)
    await lake.refresh()
    assert.equal(problems.at(-1)?.code, 'BUNDLE_REFUSED')
    assert.equal(problems.at(-1)?.data.rule, 'BUNDLE_NUMBER_WENT_BACK')
    testMesh.number = { generation: 1, counter: 1 }
    testMesh.change('stream', { minTls: '1.2' })
    await testMesh.publish()
    await lake.refresh()
    assert.equal(problems.at(-1)?.data.rule, 'BUNDLE_FORKED')
  })

  test('refuses trust statements that have become fewer', async () => {
    const updated = once(lake, 'updated')
    await testMesh.trust({})
    await lake.refresh()
    assert.equal((await updated)[0].trustStatement.counter, 2)
    await rm(testMesh.layout.mesh.trustStatement({ generation: 1, counter: 2 }))
    await lake.refresh()
    assert.equal(problems.at(-1)?.data.rule, 'TRUST_WENT_BACK')
    assert.ok((await serving()) !== '')
  })

  test('keeps what it believed while the folder is unreadable, unwritten or garbage', async () => {
    const before = await serving()
    for (const content of ['', '{', '\u0000'.repeat(100), JSON.stringify({ type: 'bundle-head/v1' })]) {
      await writeFile(testMesh.layout.mesh.head, content)
      await lake.refresh()
    }
    await rm(testMesh.layout.mesh.dir, { recursive: true })
    await rm(joinPath(testMesh.folder, 'mtls-config.yaml'))
    await lake.refresh()
    assert.ok(problems.every(({ name }) => name === 'MeshError'))
    const server = lake.createServer((_request, response) => response.end('still here'))
    const port = await listen(server)
    const response = await lake.fetch(`https://lake.service.datapunk:${port}/`)
    assert.equal(await response.text(), 'still here')
    server.close()
    assert.ok(before !== '')
  })

  test('its own file may be stricter than the bundle, and follows edits', async () => {
    const stream = await join('stream', { config: testMesh.configFile })
    const server = lake.createServer((_request, response) => response.end('hello'))
    const port = await listen(server)
    const status = async () => (await stream.fetch(`https://lake:${port}/`)).status
    assert.equal(await status(), 200)
    const config = JSON.parse(await readFile(testMesh.configFile, 'utf8'))
    config.services.lake.allow = []
    await writeFile(testMesh.configFile, JSON.stringify(config))
    await Promise.all([lake.refresh(), stream.refresh()])
    assert.equal(await status(), 403)
    config.services.lake.allow = ['stream']
    await writeFile(testMesh.configFile, JSON.stringify(config))
    await Promise.all([lake.refresh(), stream.refresh()])
    assert.equal(await status(), 200)
    server.close()
    await stream.leave()
  })

  test('nobody is served by a service that is a member no more', async () => {
    const { pem, keyPem } = await testMesh.leaf('stream')
    const server = lake.createServer((_request, response) => response.end('hello'))
    const port = await listen(server)
    testMesh.change('lake', 'remove')
    await testMesh.publish()
    await lake.refresh()
    const pair = { cert: pem + testMesh.ca.issuing.pem, key: keyPem }
    const { received } = await callAsStranger(port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', pair)
    assert.equal(received, '')
    assert.deepEqual(lake.counters.refused, { SELF_NOT_A_MEMBER: 1 })
    server.close()
  })
})
