import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import type { Reload, ReloadSignal } from '@datapunk/protocol'
import { atEnd } from '@datapunk/testkit'
import { runReload } from './reload.ts'

const files = { cert: '/certs/web.crt', key: '/certs/web.key', caCert: '/certs/ca.crt', crl: '/certs/ca.crl' }

const asRoot = process.geteuid?.() === 0
const NOBODY = 65_534
/** Linux numbers processes up to one less. */
const NOBODYS_PID = 4_194_304

function send(where: { pid: number } | { pidFile: string }, signal: ReloadSignal = 'HUP'): Promise<void> {
  const reload: Reload = { kind: 'signal', signal, ...where }
  return runReload(reload, files, { service: 'web', environment: {}, clock: Date.now })
}

function refusal(message: RegExp) {
  return { name: 'AuthorityError', code: 'RELOAD_FAILED', message }
}

/** A process that any of our signals ends. */
async function target(t: TestContext, uid?: number) {
  const child = spawn('/bin/sleep', ['1000'], {
    stdio: 'ignore',
    ...(uid !== undefined && { uid, gid: uid }),
  })
  atEnd(t, () => child.kill('SIGKILL'))
  const ended = once(child, 'exit')
  await once(child, 'spawn')
  return { pid: child.pid!, ended }
}

function pidFile(
  t: TestContext,
  text: string,
  { mode = 0o644, uid }: { mode?: number; uid?: number } = {},
): string {
  const folder = mkdtempSync(join(tmpdir(), 'reload-'))
  atEnd(t, () => rmSync(folder, { recursive: true }))
  const path = join(folder, 'web.pid')
  writeFileSync(path, text)
  chmodSync(path, mode)
  if (uid !== undefined) chownSync(path, uid, uid)
  return path
}

for (const signal of ['HUP', 'USR1', 'USR2'] as const) {
  test(`a process gets SIG${signal}`, async (t) => {
    const { pid, ended } = await target(t)
    await send({ pid }, signal)
    assert.deepEqual(await ended, [null, `SIG${signal}`])
  })
}

describe('a pid file', () => {
  const forms: Readonly<Record<string, (pid: number) => string>> = {
    'as nginx writes it': (pid) => `${pid}\n`,
    'without a line end': (pid) => `${pid}`,
    'with spaces': (pid) => `  ${pid} \r\n`,
    'as PostgreSQL writes it': (pid) =>
      `${pid}\n/var/lib/postgresql/15/main\n1700000000\n5432\n/run\n*\n  1 2\nready\n`,
  }
  for (const [form, text] of Object.entries(forms)) {
    test(`${form} is understood`, async (t) => {
      const { pid, ended } = await target(t)
      await send({ pidFile: pidFile(t, text(pid)) })
      assert.deepEqual(await ended, [null, 'SIGHUP'])
    })
  }

  const noNumber =
    /has no number of a process in its first line\. Restart web, .*services\.web\.reload\.pid_file/
  const faults: Readonly<Record<string, readonly [text: string, message: RegExp]>> = {
    'that is empty': ['', /web\.pid is empty\. Restart web/],
    'of blank lines': [' \n77\n', /web\.pid is empty/],
    'with a name in it': ['nginx\n', noNumber],
    'with a negative number, as of a whole process group': ['-77\n', noNumber],
    'with number 0': ['0\n', noNumber],
    'with number 1': ['1\n', noNumber],
    'with two numbers': ['77 78\n', noNumber],
    'with a fraction': ['77.5\n', noNumber],
    'with a number and more': ['77x\n', noNumber],
    'with a number in another form': ['0x77\n', noNumber],
    'with a number that is none of a process': ['99999999999\n', noNumber],
    'of zeros': ['\0\0\0\0', noNumber],
    'that is huge': ['7'.repeat(5000), /has 5000 bytes, and a pid file has 4096 at most/],
    'of a process that has ended': [
      `${NOBODYS_PID}\n`,
      /no process 4194304 \(from .*web\.pid\) runs\. Start web/,
    ],
    'that leads to mtls itself': [
      `${process.pid}\n`,
      /process \d+ \(from .*web\.pid\) is mtls itself\. Let services/,
    ],
  }
  for (const [fault, [text, message]] of Object.entries(faults)) {
    test(`${fault} is refused`, (t) => assert.rejects(send({ pidFile: pidFile(t, text) }), refusal(message)))
  }

  test('that is not there is refused', (t) =>
    assert.rejects(
      send({ pidFile: `${pidFile(t, '')}.old` }),
      refusal(
        /web\.pid\.old can't be read \(ENOENT\)\. Start web, or correct services\.web\.reload\.pid_file/,
      ),
    ))

  test('that anyone may write is refused', (t) =>
    assert.rejects(
      send({ pidFile: pidFile(t, `${NOBODYS_PID}`, { mode: 0o666 }) }),
      refusal(/web\.pid may be written by anyone \(chmod o-w\)/),
    ))

  test('that is no file is refused: a link, a folder, a named pipe, a device', async (t) => {
    const path = pidFile(t, `${NOBODYS_PID}`)
    symlinkSync(path, `${path}.link`)
    mkdirSync(`${path}.folder`)
    execFileSync('mkfifo', [`${path}.pipe`])
    await assert.rejects(send({ pidFile: `${path}.link` }), refusal(/\(ELOOP\)\. Name the file itself/))
    for (const other of [`${path}.folder`, `${path}.pipe`, '/dev/zero']) {
      await assert.rejects(send({ pidFile: other }), refusal(/is no regular file/))
    }
  })

  test('of another user leads to his own processes only', { skip: !asRoot && 'needs root' }, async (t) => {
    const [ours, his] = [await target(t), await target(t, NOBODY)]
    const message = /web\.pid belongs to user 65534, and process \d+ in it to user 0\. Restart web/
    await assert.rejects(send({ pidFile: pidFile(t, `${ours.pid}`, { uid: NOBODY }) }), refusal(message))
    await send({ pidFile: pidFile(t, `${his.pid}`, { uid: NOBODY }) })
    assert.deepEqual(await his.ended, [null, 'SIGHUP'])
  })
})

test('a process that has ended is refused', () =>
  assert.rejects(
    send({ pid: NOBODYS_PID }),
    refusal(/no process 4194304 \(from services\.web\.reload\) runs\. Start web, which then reads/),
  ))

test('a process of another user is refused to whoever is not root', async (t) => {
  // Who is root becomes nobody for a moment; whoever isn't may not signal the first process.
  const pid = asRoot ? (await target(t, 1)).pid : 1
  if (asRoot) process.seteuid?.(NOBODY)
  const sent = send({ pid })
  if (asRoot) process.seteuid?.(0)
  await assert.rejects(sent, refusal(/can't be signalled \(EPERM\)\. Run mtls as root or as the user of web/))
})
