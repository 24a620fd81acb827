import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { atEnd } from '@datapunk/testkit'
import { Disk } from './disk.ts'
import { FailingCalls } from './testing/failing-calls.ts'

function newFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'disk-'))
  atEnd(t, () => rmSync(folder, { recursive: true }))
  return folder
}

const modeOf = (path: string) => statSync(path).mode & 0o777
const isRoot = process.geteuid?.() === 0
const text = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString()

test('writeFileAtomic makes exactly the calls its documentation lists', (t) => {
  const folder = newFolder(t)
  const { calls, log } = new FailingCalls()
  new Disk({ calls }).writeFileAtomic(join(folder, 'name'), 'text', { mode: 0o640 })
  assert.deepEqual(log, [
    `openSync ${folder}/.name.new`,
    'fchmodSync',
    'writeSync',
    'fsyncSync',
    'closeSync',
    `renameSync ${folder}/.name.new`,
    `openSync ${folder}`,
    'fsyncSync',
    'closeSync',
  ])
})

test('writeFileAtomic replaces a file, sets the mode whatever the umask, and follows no link', (t) => {
  const folder = newFolder(t)
  const before = process.umask(0o077)
  atEnd(t, () => process.umask(before))
  const disk = new Disk()
  const [path, elsewhere] = [join(folder, 'name'), join(folder, 'elsewhere')]
  disk.writeFileAtomic(path, 'first', { mode: 0o644 })
  assert.equal(modeOf(path), 0o644)
  disk.writeFileAtomic(path, Buffer.from('second'), { mode: 0o600 })
  assert.deepEqual([readFileSync(path, 'utf8'), modeOf(path)], ['second', 0o600])

  writeFileSync(elsewhere, 'theirs')
  rmSync(path)
  symlinkSync(elsewhere, path)
  disk.writeFileAtomic(path, 'third', { mode: 0o600 })
  assert.deepEqual([readFileSync(path, 'utf8'), readFileSync(elsewhere, 'utf8')], ['third', 'theirs'])
})

test('writeFileAtomic removes what a killed process left, a link in its place included', (t) => {
  const folder = newFolder(t)
  writeFileSync(join(folder, 'theirs'), 'theirs')
  symlinkSync('theirs', join(folder, '.name.new'))
  new Disk().writeFileAtomic(join(folder, 'name'), 'text', { mode: 0o600 })
  assert.deepEqual(readdirSync(folder).sort(), ['name', 'theirs'])
  assert.equal(readFileSync(join(folder, 'theirs'), 'utf8'), 'theirs')
})

test('writeFileAtomic writes all bytes when the system takes them piecemeal', (t) => {
  const folder = newFolder(t)
  const { calls } = new FailingCalls()
  const piecemeal = {
    ...calls,
    ...Object.fromEntries(Object.entries(calls)),
    writeSync: (fd: number, bytes: Uint8Array, from: number, length: number) =>
      calls.writeSync(fd, bytes, from, Math.min(length, 3)),
  } as typeof calls
  new Disk({ calls: piecemeal }).writeFileAtomic(join(folder, 'name'), 'ten bytes!', { mode: 0o600 })
  assert.equal(readFileSync(join(folder, 'name'), 'utf8'), 'ten bytes!')
})

test('a refusal of the system is told with path, call, cause and remedy', (t) => {
  const path = join(newFolder(t), 'missing', 'name')
  assert.throws(() => new Disk().writeFileAtomic(path, '', { mode: 0o600 }), {
    code: 'DISK_FAILED',
    data: { path, syscall: 'open', errno: 'ENOENT' },
    message: `${path}: open failed with ENOENT; a part of the path is missing: create it, or correct the path in the config`,
  })
})

test('writeFileIfChanged writes when bytes or mode differ, and only then', (t) => {
  const path = join(newFolder(t), 'name')
  const disk = new Disk()
  assert.equal(disk.writeFileIfChanged(path, 'text', { mode: 0o644 }), true)
  assert.equal(disk.writeFileIfChanged(path, 'text', { mode: 0o644 }), false)
  assert.equal(disk.writeFileIfChanged(path, 'next', { mode: 0o644 }), true)
  assert.equal(disk.writeFileIfChanged(path, 'next', { mode: 0o600 }), true)
  assert.deepEqual([readFileSync(path, 'utf8'), modeOf(path)], ['next', 0o600])
})

test('ensureFolder makes a folder with its mode, and those above it 0755, whatever the umask', (t) => {
  const folder = newFolder(t)
  const before = process.umask(0o077)
  atEnd(t, () => process.umask(before))
  const path = join(folder, 'a', 'b', 'c')
  const disk = new Disk()
  disk.ensureFolder(path, 0o700)
  disk.ensureFolder(path, 0o700)
  assert.deepEqual([join(folder, 'a'), join(folder, 'a', 'b'), path].map(modeOf), [0o755, 0o755, 0o700])
})

test('ensureFolder refuses a looser folder with the chmod that mends it, and leaves a stricter one', (t) => {
  const path = join(newFolder(t), 'a')
  const disk = new Disk()
  mkdirSync(path)
  chmodSync(path, 0o750)
  assert.throws(() => disk.ensureFolder(path, 0o700), {
    code: 'PERMISSIONS',
    message: `${path} has mode 0750, and may have 0700 at most. Run: chmod 0700 ${path}`,
    data: { path, found: 0o750, allowed: 0o700 },
  })
  disk.ensureFolder(path, 0o755)
  assert.equal(modeOf(path), 0o750)
})

test('ensureFolder refuses a private folder of somebody else, and what is no folder', (t) => {
  const path = join(newFolder(t), 'a')
  mkdirSync(path, 0o700)
  const { uid } = statSync(path)
  const stranger = new Disk({ uid: 4711 })
  if (uid !== 0) assert.throws(() => stranger.ensureFolder(path, 0o700), { code: 'PERMISSIONS' })
  if (isRoot) {
    chownSync(path, 1234, 1234)
    assert.throws(() => stranger.ensureFolder(path, 0o700), {
      code: 'PERMISSIONS',
      message: /belongs to user 1234.* chown 4711 /,
    })
    new Disk().ensureFolder(path, 0o700, { uid: 1234, gid: 1234 })
  }
  writeFileSync(join(path, 'file'), '')
  assert.throws(() => new Disk().ensureFolder(join(path, 'file'), 0o755), { code: 'DISK_FAILED' })
  symlinkSync(path, `${path}-link`)
  atEnd(t, () => rmSync(`${path}-link`, { force: true }))
  assert.throws(() => new Disk().ensureFolder(`${path}-link`, 0o755), { code: 'DISK_FAILED' })
})

test('files and folders are given to their owner', { skip: !isRoot && 'needs root' }, (t) => {
  const folder = newFolder(t)
  const disk = new Disk()
  const owner = { uid: 1234, gid: 5678 }
  disk.ensureFolder(join(folder, 'a'), 0o750, owner)
  disk.writeFileAtomic(join(folder, 'a', 'name'), 'text', { mode: 0o640, owner })
  for (const path of [join(folder, 'a'), join(folder, 'a', 'name')]) {
    const { uid, gid } = statSync(path)
    assert.deepEqual({ uid, gid }, owner)
  }
  disk.ensureFolder(join(folder, 'a'), 0o750, { uid: 1235, gid: -1 })
  assert.deepEqual([statSync(join(folder, 'a')).uid, statSync(join(folder, 'a')).gid], [1235, 5678])
})

test('a process that may not give a file away says how to go on, and leaves nothing', (t) => {
  const folder = newFolder(t)
  const { calls } = new FailingCalls()
  const refusing = new Proxy(calls, {
    get: (_, name) =>
      name === 'fchownSync'
        ? () => {
            throw Object.assign(new Error('EPERM'), { code: 'EPERM', syscall: 'fchown' })
          }
        : calls[name as keyof typeof calls],
  })
  const disk = new Disk({ calls: refusing })
  const path = join(folder, 'name')
  assert.throws(() => disk.writeFileAtomic(path, 'text', { mode: 0o600, owner: { uid: 4711, gid: 4711 } }), {
    code: 'PERMISSIONS',
    message: /can't be given to 4711:4711 by this user. Run mtls as root/,
  })
  assert.deepEqual(readdirSync(folder), [])
})

test('link makes a relative link, and turns one that points into the same state', (t) => {
  const folder = newFolder(t)
  const state = join(folder, 'certs', '.mtls')
  const path = join(folder, 'certs', 'lake.crt')
  mkdirSync(state, { recursive: true })
  const disk = new Disk()
  disk.link(path, join(state, 'instances/lake/current/cert.pem'), { within: state })
  assert.equal(readlinkSync(path), '.mtls/instances/lake/current/cert.pem')
  disk.link(path, join(state, 'instances/nexus/current/cert.pem'), { within: state })
  assert.equal(readlinkSync(path), '.mtls/instances/nexus/current/cert.pem')
  assert.deepEqual(readdirSync(join(folder, 'certs')).sort(), ['.mtls', 'lake.crt'])
})

test('link refuses a file of its own, and a link into another state', (t) => {
  const folder = newFolder(t)
  const state = join(folder, '.mtls')
  const disk = new Disk()
  const [file, foreign] = [join(folder, 'lake.crt'), join(folder, 'nexus.crt')]
  writeFileSync(file, 'theirs')
  symlinkSync('.mtls-other/instances/nexus/current/cert.pem', foreign)
  for (const path of [file, foreign]) {
    assert.throws(() => disk.link(path, join(state, 'x'), { within: state }), { code: 'PAIR_INVALID' })
  }
  assert.equal(readFileSync(file, 'utf8'), 'theirs')
  assert.equal(readlinkSync(foreign), '.mtls-other/instances/nexus/current/cert.pem')
})

test('makePrivateFile makes a file where it may, and otherwise says that there is none', (t) => {
  const folder = newFolder(t)
  const path = join(folder, 'private', 'name')
  const disk = new Disk()
  assert.throws(() => disk.makePrivateFile(join(folder, 'none'), { create: false }), { code: 'DISK_FAILED' })
  assert.deepEqual(readdirSync(folder), [])
  disk.makePrivateFile(path, { create: true })
  assert.deepEqual([modeOf(path), modeOf(dirname(path))], [0o600, 0o700])
  writeFileSync(path, 'theirs')
  disk.makePrivateFile(path, { create: true })
  assert.equal(readFileSync(path, 'utf8'), 'theirs')
  chmodSync(path, 0o640)
  assert.throws(() => disk.makePrivateFile(path, { create: false }), { code: 'PERMISSIONS' })
})

test('readChecked gives the bytes, or undefined when there is no file', (t) => {
  const path = join(newFolder(t), 'name')
  const disk = new Disk()
  assert.equal(disk.readChecked(path, { maxBytes: 10 }), undefined)
  writeFileSync(path, 'ten bytes!')
  assert.equal(text(disk.readChecked(path, { maxBytes: 10 })), 'ten bytes!')
  writeFileSync(path, '')
  assert.equal(text(disk.readChecked(path, { maxBytes: 10 })), '')
})

test('readChecked refuses what is longer, looser, a folder, or a link where none may be', (t) => {
  const folder = newFolder(t)
  const path = join(folder, 'name')
  const disk = new Disk()
  writeFileSync(path, 'ten bytes!')
  chmodSync(path, 0o604)
  assert.throws(() => disk.readChecked(path, { maxBytes: 9 }), {
    code: 'DISK_FAILED',
    data: { path, maxBytes: 9 },
  })
  assert.throws(() => disk.readChecked(path, { maxBytes: 10, refuseLooserThan: 0o600 }), {
    code: 'PERMISSIONS',
    message: `${path} has mode 0604, and may have 0600 at most. Run: chmod 0600 ${path}`,
  })
  assert.throws(() => disk.readChecked(folder, { maxBytes: 10 }), { code: 'DISK_FAILED' })
  symlinkSync(path, `${path}-link`)
  assert.equal(text(disk.readChecked(`${path}-link`, { maxBytes: 10 })), 'ten bytes!')
  assert.throws(() => disk.readChecked(`${path}-link`, { maxBytes: 10, followLinks: false }), {
    code: 'DISK_FAILED',
    data: { path: `${path}-link`, syscall: 'open', errno: 'ELOOP' },
  })
})

test('removeFolder removes a folder of files, the file in its place, and enters no folder in it', (t) => {
  const folder = newFolder(t)
  const disk = new Disk()
  const path = join(folder, 'a')
  disk.removeFolder(path)
  writeFileSync(path, '')
  disk.removeFolder(path)
  mkdirSync(join(path, 'inner'), { recursive: true })
  writeFileSync(join(path, 'inner', 'file'), '')
  assert.throws(() => disk.removeFolder(path), { code: 'DISK_FAILED' })
  assert.ok(lstatSync(join(path, 'inner', 'file')).isFile())
  rmSync(join(path, 'inner'), { recursive: true })
  symlinkSync(folder, join(path, 'link'))
  disk.removeFolder(path)
  assert.deepEqual(readdirSync(folder), [])
})

describe('removeTree', () => {
  const treeIn = (folder: string) => {
    const path = join(folder, 'a')
    mkdirSync(join(path, 'inner/deeper'), { recursive: true, mode: 0o755 })
    writeFileSync(join(path, 'inner/deeper/file'), '')
    symlinkSync('/', join(path, 'inner/link'))
    return path
  }

  test('removes folders in folders, and enters each only when the one above is ours alone', (t) => {
    const path = treeIn(newFolder(t))
    const above: string[] = []
    const readdirSync = (entered: fs.PathLike) => {
      if (entered !== path) above.push((lstatSync(dirname(String(entered))).mode & 0o777).toString(8))
      return fs.readdirSync(entered)
    }
    const calls = { ...fs, readdirSync: readdirSync as typeof fs.readdirSync }
    new Disk({ calls }).removeTree(path)
    assert.equal(existsSync(path), false)
    assert.deepEqual(above, ['700', '700'])
    new Disk().removeTree(path)
  })

  test('follows no link that takes the place of a folder', (t) => {
    const folder = newFolder(t)
    const path = treeIn(folder)
    const outside = join(folder, 'outside')
    mkdirSync(outside)
    writeFileSync(join(outside, 'file'), '')
    const unlinkSync = (removed: fs.PathLike) => {
      try {
        fs.unlinkSync(removed)
      } catch (error) {
        rmSync(removed, { recursive: true })
        symlinkSync(outside, removed)
        throw error
      }
    }
    new Disk({ calls: { ...fs, unlinkSync } }).removeTree(path)
    assert.equal(existsSync(path), false)
    assert.deepEqual(readdirSync(outside), ['file'])
  })

  test('leaves alone what is mounted in it', (t) => {
    const path = treeIn(newFolder(t))
    const lstat = (found: string) => {
      const stat = fs.lstatSync(found)
      return basename(found) === 'deeper' ? Object.assign(stat, { dev: stat.dev + 1 }) : stat
    }
    const disk = new Disk({ calls: { ...fs, lstatSync: lstat as typeof fs.lstatSync } })
    assert.throws(() => disk.removeTree(path), { code: 'DISK_FAILED', message: /Run: umount .*deeper$/ })
    assert.ok(existsSync(join(path, 'inner/deeper/file')))
  })
})

test('a file that was changed behind our back is seen to be another, and written anew', (t) => {
  const folder = newFolder(t)
  const disk = new Disk()
  const path = join(folder, 'a')
  const mode = { mode: 0o644 }
  assert.equal(disk.writeFileIfChanged(path, 'ours', mode), true)
  assert.equal(disk.writeFileIfChanged(path, 'ours', mode), false)
  const stamp = disk.stampOf(path)
  assert.equal(disk.holds(path, Buffer.from('ours'), mode), true)
  assert.equal(disk.stampOf(path), stamp)
  for (const change of [
    () => writeFileSync(path, 'theirs'),
    () => chmodSync(path, 0o600),
    () => rmSync(path),
  ]) {
    change()
    assert.notEqual(disk.stampOf(path), stamp)
    assert.equal(disk.holds(path, Buffer.from('ours'), mode), false)
    assert.equal(disk.writeFileIfChanged(path, 'ours', mode), true)
  }
})

test('list, kindOf and remove take what is not there for nothing', (t) => {
  const folder = newFolder(t)
  const disk = new Disk()
  assert.deepEqual(disk.list(join(folder, 'a')), [])
  assert.equal(disk.kindOf(join(folder, 'a')), undefined)
  disk.remove(join(folder, 'a'))
  writeFileSync(join(folder, 'b'), '')
  symlinkSync('b', join(folder, 'a'))
  assert.deepEqual(disk.list(folder), ['a', 'b'])
  assert.deepEqual(
    [folder, join(folder, 'a'), join(folder, 'b')].map((path) => disk.kindOf(path)),
    ['folder', 'link', 'file'],
  )
  disk.remove(join(folder, 'a'))
  assert.deepEqual(disk.list(folder), ['b'])
})
