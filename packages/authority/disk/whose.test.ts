import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { whose } from './whose.ts'

test('a user is named, of what is not there that of the folder above; a number alone where nobody knows the name', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'whose-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const { uid } = statSync(folder)
  const passwd = join(folder, 'passwd')
  writeFileSync(passwd, `other:x:${uid + 1}:1::/:/bin/sh\nlake:x:${uid}:1::/:/bin/sh\n`)
  assert.equal(whose(folder, passwd), `lake (uid ${uid})`)
  assert.equal(whose(join(folder, 'no/such'), passwd), `lake (uid ${uid})`)
  assert.equal(whose(folder, join(folder, 'none')), `uid ${uid}`)
})
