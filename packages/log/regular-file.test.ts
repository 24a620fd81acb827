import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { open, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { atEnd } from '@datapunk/testkit'
import { readRegularFile } from './regular-file.ts'

test('a file is read to its end, however little of it comes at a time', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'regular-'))
  atEnd(t, () => rmSync(folder, { recursive: true }))
  const file = join(folder, 'file')
  await writeFile(file, 'to its end')
  const handle = await open(file)
  await handle.close()
  const handles = Object.getPrototypeOf(handle)
  const real = handles.read
  t.mock.method(
    handles,
    'read',
    function (this: unknown, into: Buffer, offset: number, length: number, position: number) {
      return real.call(this, into, offset, Math.min(length, 3), position)
    },
  )
  assert.equal((await readRegularFile(file)).toString(), 'to its end')
})

test('a file that is larger than it may be is not read', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'regular-'))
  atEnd(t, () => rmSync(folder, { recursive: true }))
  const file = join(folder, 'file')
  await writeFile(file, 'four')
  assert.equal(String(await readRegularFile(file, { maxBytes: 4 })), 'four')
  await assert.rejects(readRegularFile(file, { maxBytes: 3 }), { code: 'LOG_WRONG', message: /of 4 bytes/ })
})
