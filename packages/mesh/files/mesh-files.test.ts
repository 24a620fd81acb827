import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdir, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { atEnd, TestMesh } from '@datapunk/testkit'
import { readConfig } from './config-file.ts'
import { readMeshDocuments } from './mesh-files.ts'

/** What reads a file of the mesh, and how it refuses one that it can't read. */
const files: readonly [string, code: string, (testMesh: TestMesh) => string | Promise<string>][] = [
  ['the head', 'BUNDLE_MISSING', ({ layout }) => layout.mesh.head],
  [
    'a trust statement',
    'BUNDLE_MISSING',
    ({ layout }) => layout.mesh.trustStatement({ generation: 1, counter: 1 }),
  ],
  [
    'a section',
    'BUNDLE_MISSING',
    async ({ layout: { mesh } }) => join(mesh.sectionsDir, (await readdir(mesh.sectionsDir))[0]!),
  ],
  ['the root', 'ROOT_UNREADABLE', ({ config }) => config.paths.caCert],
  ['the config', 'CONFIG_UNREADABLE', ({ configFile }) => configFile],
]

for (const [what, code, place] of files) {
  test(`${what} is not waited for where a pipe lies in its place, nor read where it has no end`, async (t) => {
    const testMesh = await TestMesh.create({ services: { lake: {} } })
    atEnd(t, () => testMesh.remove())
    const read = async () => {
      const { config } = await readConfig(
        { file: testMesh.configFile, environment: undefined, root: undefined },
        'lake',
      )
      return readMeshDocuments(config, { latest: Date.now() })
    }
    await read()
    const file = await place(testMesh)
    await rm(file)
    execFileSync('mkfifo', ['-m', '0600', file])
    await assert.rejects(read(), { code, message: /no regular file/ })
    await rm(file)
    await writeFile(file, '', { mode: 0o600 })
    await truncate(file, 2 ** 40)
    await assert.rejects(read(), { code, message: /1099511627776 bytes, where at most 67108864 are allowed/ })
  })
}
