import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { readFolder } from './read-folder.ts'

test('an object that is absent is no error, and one that can’t be read says where, and why', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'read-folder-'))
  t.after(() => rmSync(folder, { recursive: true }))
  assert.equal(await readFolder(folder)('checkpoint'), undefined)
  assert.equal(await readFolder(join(folder, 'nowhere'))('checkpoint'), undefined)

  writeFileSync(join(folder, 'file'), '')
  symlinkSync('loop', join(folder, 'loop'))
  const refused = (code: string, message: RegExp) => ({ name: 'LogError', code, message })
  const cases: [place: string, path: string, error: ReturnType<typeof refused>][] = [
    [
      'file',
      'checkpoint',
      refused('LOG_UNREADABLE', /file\/checkpoint can't be read \(ENOTDIR\); allowed: /),
    ],
    ['.', 'loop', refused('LOG_UNREADABLE', /loop can't be read \(ELOOP\)/)],
    ['.', '.', refused('LOG_WRONG', /no regular file/)],
  ]
  for (const [place, path, error] of cases)
    await assert.rejects(async () => readFolder(join(folder, place))(path), error)
})
