import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import type { Reload } from '@datapunk/protocol'
import type { ReloadFiles } from '../engine/handover.ts'
import type { AuthorityError } from '../error.ts'
import { before, endingOf } from './ending.ts'
import { OutputTail } from './output-tail.ts'
import { reloadFailed, secondsText, settingOf } from './reload-failure.ts'
import type { ReloadOptions } from './reload-options.ts'

type Command = Extract<Reload, { kind: 'command' }>
type Child = ChildProcessByStdio<null, Readable, Readable>

/** What an error shows of all a command said. Bytes. */
const KEPT_OUTPUT = 2048
/** From SIGTERM to SIGKILL; and from there until even what can't be killed (a sleeping disk) is left alone. Milliseconds. */
const GRACE = 2000
/** How long a command's last words may take after its end, where something it started holds its output. Milliseconds. */
const LAST_WORDS = 200
/** Where programs lie when nobody says it. */
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const PASSED_ON = /^(PATH|HOME|LANG|LC_[A-Z]+)$/

/**
 * Runs the program to its end, in a process group of its own. What it leaves running then goes on, with its output leading
 * nowhere; when it takes too long, the whole group is killed.
 */
export async function runCommand(reload: Command, files: ReloadFiles, options: ReloadOptions): Promise<void> {
  const ending = endingOf(reload.timeout, options.signal)
  const child = await started(reload, files, options)
  const output = new OutputTail(KEPT_OUTPUT, [child.stdout, child.stderr])
  const exit = once(child, 'exit') as Promise<[code: number | null, signal: string | null]>
  const closed = once(child, 'close')
  try {
    const [code, signal] = await before(ending, exit)
    if (code === 0) return
    await within(LAST_WORDS, closed)
    throw ended(reload, options, code ?? signal, output.text())
  } catch (error) {
    if (!ending.aborted || error !== ending.reason) throw error
    await endGroup(child, closed)
    options.signal?.throwIfAborted()
    throw tookTooLong(reload, options, output.text())
  } finally {
    // Whoever still holds the other ends, or can't be killed, keeps nobody waiting.
    child.stdout.destroy()
    child.stderr.destroy()
    child.unref()
  }
}

async function started({ command }: Command, files: ReloadFiles, options: ReloadOptions): Promise<Child> {
  const [program = '', ...args] = command
  const env = cleanEnvironment(files, options.environment)
  try {
    const child = spawn(program, args, {
      cwd: '/',
      detached: true,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    await once(child, 'spawn')
    return child
  } catch (error) {
    throw notStarted(program, env.PATH, options.service, error)
  }
}

/** Nothing of ours but what every program needs: the passphrase of the CA keys may be in the rest. */
function cleanEnvironment(
  files: ReloadFiles,
  environment: ReloadOptions['environment'],
): { PATH: string } & Record<string, string> {
  const passedOn = Object.entries(environment).flatMap(([name, value]) =>
    PASSED_ON.test(name) && value !== undefined ? [[name, value]] : [],
  )
  return {
    PATH: DEFAULT_PATH,
    ...Object.fromEntries(passedOn),
    MTLS_CERT: files.cert,
    MTLS_KEY: files.key,
    MTLS_CA_CERT: files.caCert,
    MTLS_CRL: files.crl,
  }
}

async function endGroup(child: Child, closed: Promise<unknown>): Promise<void> {
  killGroup(child, 'SIGTERM')
  await within(GRACE, closed)
  // Also after all has closed: it may have closed its output and live on.
  killGroup(child, 'SIGKILL')
  await within(GRACE, closed)
}

function killGroup({ pid }: Child, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch {
    // Nobody is left in it, or it has become another user's (sudo), who alone can kill it.
  }
}

/** Waits for it, and not longer than so many milliseconds. */
function within(milliseconds: number, event: Promise<unknown>): Promise<unknown> {
  return before(AbortSignal.timeout(milliseconds), event).catch(() => {})
}

/** Its arguments are shown nowhere: there may be a password among them. */
function ended(
  { command: [program] }: Command,
  { service }: ReloadOptions,
  how: number | string | null,
  said: string,
): AuthorityError {
  return reloadFailed(service, {
    found: `${program} ended with ${typeof how === 'number' ? 'exit code ' : ''}${how}`,
    fix: `Run it by hand and mend what it says, or correct ${settingOf(service)}`,
    said,
    data: { program, ended: how, output: said },
  })
}

function tookTooLong(
  { command: [program], timeout }: Command,
  { service }: ReloadOptions,
  said: string,
): AuthorityError {
  return reloadFailed(service, {
    found: `${program} took longer than ${secondsText(timeout)} and was killed`,
    fix: `Run it by hand and mend what it waits for, or raise ${settingOf(service)}.timeout`,
    said,
    data: { program, timeout, output: said },
  })
}

function notStarted(program: string, path: string, service: string, cause: unknown): AuthorityError {
  const { code = '' } = cause as { code?: string }
  const setting = settingOf(service)
  const isMissing = code === 'ENOENT'
  const found = isMissing
    ? `there is no program ${program}${program.includes('/') ? '' : ` in ${path}`}`
    : `${program} can't be run (${code || (cause as Error).message})`
  const fix = isMissing
    ? `Install it, or give its absolute path in ${setting}`
    : `Make it executable for the user who runs mtls (chmod +x), or correct ${setting}`
  return reloadFailed(service, { found, fix, cause: bare(cause), data: { program, code } })
}

/** Node's own error of a failed start lists the arguments. */
function bare(cause: unknown): Error {
  const { code, syscall } = cause as { code?: string; syscall?: string }
  return Object.assign(new Error(`the start failed with ${code}`), { code, syscall: syscall?.split(' ')[0] })
}
