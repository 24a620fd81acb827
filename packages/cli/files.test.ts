import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { atEnd } from '@datapunk/testkit'
import { proveWritable, readFile, writeOutput } from './files.ts'

test('a file is read to its end, and no further than is allowed', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'files-'))
  atEnd(t, () => rmSync(folder, { recursive: true }))
  const file = join(folder, 'some')
  writeFileSync(file, Buffer.alloc(100_000, 'x'))
  assert.equal(readFile(file, 100_000).byteLength, 100_000)
  assert.throws(() => readFile(file, 99_999), { code: 'FILE_UNREADABLE', message: /found 100000 bytes/ })
})

test('a device that never ends is given up', () => {
  assert.throws(() => readFile('/dev/zero', 100_000), {
    code: 'FILE_UNREADABLE',
    message: /found more than 100000 bytes/,
  })
})

test('what a shell pipes in by a name is read too', () => {
  const script = `import { proveWritable, readFile, writeOutput } from './files.ts'; console.log(readFile(process.argv[1], 100).byteLength)`
  const command = `"$0" --input-type=module-typescript -e "$1" <(printf abc)`
  const { stdout, stderr } = spawnSync('bash', ['-c', command, process.execPath, script], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
  })
  assert.equal(stdout, '3\n', stderr)
})

test('what somebody else has put there is not waited for', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'files-'))
  atEnd(t, () => rmSync(folder, { recursive: true }))
  const pipe = join(folder, 'pipe')
  spawnSync('mkfifo', [pipe])
  assert.throws(() => readFile(pipe, 100, { isForeign: true }), {
    code: 'FILE_UNREADABLE',
    message: /no regular file/,
  })
})

test('what can’t be written is known before the work, and leaves nothing behind', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'files-'))
  atEnd(t, () => rmSync(folder, { recursive: true }))
  for (const file of ['', folder, join(folder, 'nowhere', 'file')]) {
    assert.throws(() => proveWritable(file), { code: 'FILE_UNWRITABLE' }, file)
    assert.throws(() => writeOutput(file, 'some'), { code: 'FILE_UNWRITABLE' }, file)
  }
  const file = join(folder, 'file')
  proveWritable(undefined)
  proveWritable(file)
  assert.deepEqual(readdirSync(folder), [])
  assert.equal(existsSync(`.${process.pid}.new`), false)
  writeOutput(file, 'some')
  assert.equal(readFileSync(file, 'utf8'), 'some')
  assert.deepEqual(readdirSync(folder), ['file'])
})

test('what is no file is written to, and not replaced by one', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'files-'))
  const pipe = join(folder, 'pipe')
  spawnSync('mkfifo', [pipe])
  const reader = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK)
  atEnd(t, () => {
    closeSync(reader)
    rmSync(folder, { recursive: true })
  })
  proveWritable(pipe)
  writeOutput(pipe, 'some')
  assert.equal(statSync(pipe).isFIFO(), true)
  const octets = Buffer.alloc(10)
  assert.equal(octets.toString('utf8', 0, readSync(reader, octets)), 'some')
})
