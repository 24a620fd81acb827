import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { atEnd } from '@datapunk/testkit'
import { writeWhole } from './whole-file.ts'

test('a file is put in place whole, for its owner only; where that fails, nothing is left of it', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'whole-'))
  atEnd(t, () => rm(folder, { recursive: true }))
  const file = join(folder, 'head')
  await writeWhole(file, Buffer.from('first'))
  await writeWhole(file, Buffer.from('second'))
  assert.equal(await readFile(file, 'utf8'), 'second')
  assert.equal((await stat(file)).mode & 0o777, 0o600)

  await mkdir(join(folder, 'taken'))
  await assert.rejects(writeWhole(join(folder, 'taken'), Buffer.from('third')))
  assert.deepEqual((await readdir(folder)).sort(), ['head', 'taken'])
})
