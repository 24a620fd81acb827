import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { atEnd } from '@datapunk/testkit'
import { Disk } from './disk.ts'
import { OwnerBook } from './owner.ts'

function bookOf(t: TestContext): OwnerBook {
  const folder = mkdtempSync(join(tmpdir(), 'owner-'))
  atEnd(t, () => rmSync(folder, { recursive: true }))
  const files = { passwd: join(folder, 'passwd'), group: join(folder, 'group') }
  writeFileSync(files.passwd, 'root:x:0:0:root:/root:/bin/sh\nlake:x:1001:2001::/:/bin/false\n')
  writeFileSync(files.group, 'root:x:0:\nmesh:x:3001:lake,nexus\n')
  return new OwnerBook(new Disk(), files)
}

test('names become numbers, a user without a group keeps his own', (t) => {
  const book = bookOf(t)
  assert.equal(book.find({ owner: undefined, group: undefined }), undefined)
  assert.deepEqual(book.find({ owner: 'lake', group: undefined }), { uid: 1001, gid: 2001 })
  assert.deepEqual(book.find({ owner: 'lake', group: 'mesh' }), { uid: 1001, gid: 3001 })
  assert.deepEqual(book.find({ owner: undefined, group: 'mesh' }), { uid: -1, gid: 3001 })
})

test('numbers are taken as they are, known or not', (t) => {
  const book = bookOf(t)
  assert.deepEqual(book.find({ owner: '1001', group: undefined }), { uid: 1001, gid: 2001 })
  assert.deepEqual(book.find({ owner: '4711', group: '4712' }), { uid: 4711, gid: 4712 })
  assert.deepEqual(book.find({ owner: '4711', group: undefined }), { uid: 4711, gid: -1 })
})

test('a name that is not there is refused with what to do', (t) => {
  const book = bookOf(t)
  for (const names of [
    { owner: 'stream', group: undefined },
    { owner: 'lake', group: 'lake' },
    { owner: '-1', group: undefined },
    { owner: '4294967295', group: undefined },
    { owner: '01', group: undefined },
    { owner: '', group: undefined },
  ]) {
    assert.throws(() => book.find(names), { code: 'OWNER_UNKNOWN', message: /or give its number/ })
  }
})
