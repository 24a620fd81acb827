import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { atEnd } from '@datapunk/testkit'
import { Disk } from '../disk/disk.ts'
import { FailingCalls } from '../disk/testing/failing-calls.ts'
import { acquireLock } from './lock.ts'

function newPath(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'lock-'))
  atEnd(t, () => rmSync(folder, { recursive: true }))
  return join(folder, 'authority', 'lock.db')
}

const now = Date.UTC(2026, 0, 2, 3, 4, 5)
const mine = { pid: 100, purpose: 'apply', now }

test('the second one is refused, and told who holds it and what to do', (t) => {
  const path = newPath(t)
  const lock = acquireLock(path, mine)
  assert.throws(() => acquireLock(path, { ...mine, pid: 200 }), {
    code: 'LOCKED',
    message:
      `${join(path, '..')} is in use by mtls apply (process 100, since 2026-01-02T03:04:05.000Z). ` +
      'Wait until it is done, or stop it; it leaves nothing behind that must be removed',
    data: { path, holder: { pid: 100, purpose: 'apply', since: '2026-01-02T03:04:05.000Z' } },
  })
  lock.release()
})

test('once released it can be taken again, and releasing twice takes nothing from the next', (t) => {
  const path = newPath(t)
  const first = acquireLock(path, mine)
  first.release()
  assert.equal(existsSync(join(path, '..', 'lock.json')), false)
  const second = acquireLock(path, mine)
  first.release()
  assert.throws(() => acquireLock(path, mine), { code: 'LOCKED' })
  second.release()
})

test('releasing leaves the note to whoever holds another lock that was put in its place', (t) => {
  const path = newPath(t)
  const folder = join(path, '..')
  const first = acquireLock(path, mine)
  renameSync(folder, `${folder}.before`)
  const second = acquireLock(path, { ...mine, pid: 200 })
  first.release()
  assert.throws(() => acquireLock(path, mine), { code: 'LOCKED', message: /process 200/ })
  second.release()
})

test('folder and files are for the authority alone', (t) => {
  const path = newPath(t)
  const lock = acquireLock(path, mine)
  const folder = join(path, '..')
  assert.equal(statSync(folder).mode & 0o777, 0o700)
  for (const name of readdirSync(folder)) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name)
  lock.release()
  chmodSync(path, 0o666)
  assert.throws(() => acquireLock(path, mine), { code: 'PERMISSIONS', message: /chmod 0600/ })
})

test('the note beside it means nothing by itself', (t) => {
  const path = newPath(t)
  acquireLock(path, mine).release()
  const note = join(path, '..', 'lock.json')
  writeFileSync(note, JSON.stringify({ pid: 1, purpose: 'up', since: 'ever' }))
  const lock = acquireLock(path, mine)
  for (const text of ['', '{', '[]', 'null', '{"pid":"1"}', 'x'.repeat(10_000)]) {
    writeFileSync(note, text)
    assert.throws(() => acquireLock(path, mine), { code: 'LOCKED', message: /another mtls process/ })
  }
  lock.release()
})

test('when its note can’t be written, the lock is not held', (t) => {
  const path = newPath(t)
  acquireLock(path, mine).release()
  const { calls } = new FailingCalls({ failAt: 6, failure: 'ENOSPC' })
  assert.throws(() => acquireLock(path, { ...mine, disk: new Disk({ calls }) }), { code: 'DISK_FAILED' })
  acquireLock(path, mine).release()
})

test('a file that is no lock is refused with what to do', (t) => {
  const path = newPath(t)
  acquireLock(path, mine).release()
  writeFileSync(path, 'x'.repeat(4096))
  assert.throws(() => acquireLock(path, mine), {
    code: 'DISK_FAILED',
    message: /when no mtls runs, remove it/,
  })
})

const holder = `
  import { acquireLock } from ${JSON.stringify(new URL('./lock.ts', import.meta.url).href)}
  import { setFlagsFromString } from 'node:v8'
  import { runInNewContext } from 'node:vm'
  acquireLock(process.argv[1], { pid: process.pid, purpose: 'up', now: 0 })
  // The lock is nobody's reference: it must be held all the same.
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  process.stdout.write('held')
  process.stdin.resume()
`

test('another process holds it until it dies, by kill -9 too', async (t) => {
  const path = newPath(t)
  for (let round = 0; round < 2; round++) {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', holder, path], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    atEnd(t, () => child.kill('SIGKILL'))
    const closed = once(child, 'close')
    await once(child.stdout, 'data')
    assert.throws(() => acquireLock(path, mine), {
      code: 'LOCKED',
      data: { path, holder: { pid: child.pid, purpose: 'up', since: '1970-01-01T00:00:00.000Z' } },
    })
    child.kill('SIGKILL')
    await closed
    acquireLock(path, mine).release()
  }
})

test('a refused attempt does not loosen the lock of this process: another one still meets it', async (t) => {
  const path = newPath(t)
  const lock = acquireLock(path, mine)
  assert.throws(() => acquireLock(path, mine), { code: 'LOCKED' })
  const child = spawn(process.execPath, ['--input-type=module', '--eval', holder, path], {
    stdio: ['pipe', 'ignore', 'pipe'],
  })
  atEnd(t, () => child.kill('SIGKILL'))
  const [told] = await once(child.stderr.setEncoding('utf8'), 'data')
  assert.match(told, /LOCKED|in use by mtls apply/)
  await once(child, 'close')
  lock.release()
})
