import assert from 'node:assert/strict'
import { once } from 'node:events'
import { promises } from 'node:fs'
import { chmod, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { atEnd, TestMesh } from '@datapunk/testkit'
import { readMeshDocuments } from '../files/mesh-files.ts'
import { join, type Mesh, type MeshError } from '../index.ts'
import { Memory } from './memory.ts'

describe('what a service believed', () => {
  let testMesh: TestMesh
  let memory: string
  let joined: Mesh[]

  beforeEach(async () => {
    testMesh = await TestMesh.create({ services: { lake: {}, stream: {} } })
    memory = joinPath(await mkdtemp(joinPath(tmpdir(), 'memory-')), 'lake')
    joined = []
  })

  afterEach(async () => {
    for (const one of joined) await one.leave()
    await testMesh.remove()
  })

  const joinLake = async (folder = memory) => {
    const lake = await join('lake', { config: testMesh.configFile, memory: folder })
    joined.push(lake)
    return lake
  }

  /** Joins, leaves, and so has kept what there is. */
  const visit = async () => {
    const lake = await joinLake()
    await lake.leave()
  }

  const problemOf = async (lake: Mesh) => (await once(lake, 'problem'))[0] as MeshError

  test('is kept in the folder of its pair, a file a document, for itself only', async () => {
    const lake = await join('lake', { config: testMesh.configFile })
    await lake.leave()
    const folder = testMesh.layout.instance('lake').memory
    const names = (await readdir(folder)).sort()
    assert.match(names.join(' '), /^head-1\.1\.json section-[0-9a-f]{64}\.json trust-1\.1\.json$/)
  })

  test('is what a later one replaces', async () => {
    await visit()
    testMesh.change('stream', { callers: ['lake'] })
    await testMesh.publish()
    await testMesh.trust({})
    await visit()
    const names = (await readdir(memory)).sort()
    assert.match(names.join(' '), /^head-1\.2\.json section-[0-9a-f]{64}\.json trust-1\.2\.json$/)
  })

  test('has no drafts left of what came before, where a process was killed', async () => {
    await visit()
    await writeFile(joinPath(memory, '.head-1.1.json.4711-3'), '{')
    await writeFile(joinPath(memory, `.section-${'ab'.repeat(32)}.json.4711-4`), '{')
    await testMesh.publish()
    await visit()
    assert.deepEqual(
      (await readdir(memory)).filter((name) => name.startsWith('.')),
      [],
    )
  })

  test('is not given up for older files after a restart', async () => {
    const old = await readFile(testMesh.layout.mesh.head)
    await testMesh.publish()
    await visit()
    await testMesh.writeHead(old)
    const lake = await joinLake()
    assert.equal((await problemOf(lake)).data.rule, 'BUNDLE_NUMBER_WENT_BACK')
  })

  test('has to do while the files are gone', async () => {
    await visit()
    await rm(testMesh.layout.mesh.dir, { recursive: true })
    const lake = await joinLake()
    assert.equal((await problemOf(lake)).code, 'BUNDLE_MISSING')
    assert.equal(lake.self.service, 'lake')
  })

  test('is nothing yet where a process was killed before it had kept its first head', async () => {
    await visit()
    await rm(joinPath(memory, 'head-1.1.json'))
    assert.equal(await new Memory(memory).read(), undefined)
  })

  test('is begun anew, and said so, where it was damaged', async () => {
    await visit()
    for (const content of ['', '{', 'x'.repeat(1000)]) {
      for (const name of await readdir(memory)) await writeFile(joinPath(memory, name), content)
      const lake = await joinLake()
      const problem = await problemOf(lake)
      assert.equal(problem.code, 'MEMORY_UNREADABLE')
      assert.match(problem.message, /remove the folder/)
      await lake.leave()
    }
  })

  test('is begun anew, and said so, where a section was lost: what it asks for is not forgotten', async () => {
    testMesh.pinning('required')
    testMesh.audit = { size: 42, root: Buffer.alloc(32, 7) }
    await testMesh.publish()
    await visit()
    for (const name of await readdir(memory)) {
      const file = joinPath(memory, name)
      const content = await readFile(file, 'utf8')
      if (!name.startsWith('section-') || content.includes('"members"')) continue
      await rm(file)
      const lake = await joinLake()
      assert.equal((await problemOf(lake)).code, 'MEMORY_UNREADABLE')
      await lake.leave()
      assert.equal(await readFile(file, 'utf8'), content)
    }
    const { pins, audit } = (await new Memory(memory).read())!.bundle
    assert.deepEqual([pins?.mode, audit?.size], ['required', 42])
  })

  test('is read whatever became of a section that its head does not name', async () => {
    await visit()
    await symlink('forgotten', joinPath(memory, `section-${'ab'.repeat(32)}.json`))
    assert.equal((await new Memory(memory).read())?.bundle.head.number.counter, 1)
  })

  test('is whole where a process that shares it keeps an older bundle at last', async () => {
    const read = () => readMeshDocuments(testMesh.config, { latest: Date.now() })
    testMesh.pinning('required')
    await testMesh.publish()
    const older = read()
    await testMesh.rotate('stream')
    await testMesh.publish()
    const newer = read()
    await new Memory(memory).keep(newer)
    await new Memory(memory).keep(older)
    const { bundle } = (await new Memory(memory).read())!
    assert.deepEqual([bundle.head.number.counter, bundle.pins], [3, newer.bundle.pins])
    await new Memory(memory).keep(newer)
    const names = (await readdir(memory)).join(' ')
    assert.match(names, /^head-1\.3\.json( section-[0-9a-f]{64}\.json){2} trust-1\.1\.json$/)
  })

  test('is read anew where a process that shares it replaces it meanwhile', async (t) => {
    const read = () => readMeshDocuments(testMesh.config, { latest: Date.now() })
    await new Memory(memory).keep(read())
    await testMesh.publish()
    const newer = read()
    const { open } = promises
    const { mock } = t.mock.method(promises, 'open', async (file: string, ...rest: [number]) => {
      if (file === joinPath(memory, 'head-1.1.json')) await new Memory(memory).keep(newer)
      return open(file, ...rest)
    })
    syncBuiltinESMExports()
    atEnd(t, () => {
      mock.restore()
      syncBuiltinESMExports()
    })
    assert.equal((await new Memory(memory).read())?.bundle.head.number.counter, 2)
  })

  test('is missed, and said so, where it can’t be kept', async () => {
    const file = joinPath(memory, '..', 'a-file')
    await writeFile(file, '')
    const lake = await joinLake(joinPath(file, 'lake'))
    const problem = await problemOf(lake)
    assert.equal(problem.code, 'MEMORY_UNWRITABLE')
    assert.match(problem.message, /MTLS_MEMORY/)
    await chmod(file, 0o600)
  })
})
