import { readFileSync } from 'node:fs'
import type { Reload } from '@datapunk/protocol'
import type { AuthorityError } from '../error.ts'
import { PidFileFault, readPidFile } from './pid-file.ts'
import { reloadFailed, settingOf } from './reload-failure.ts'
import type { ReloadOptions } from './reload-options.ts'

type Signal = Extract<Reload, { kind: 'signal' }>

/** Sends the signal. What the process makes of it, it tells nobody. */
export function sendSignal(reload: Signal, { service }: ReloadOptions): void {
  const pid = 'pid' in reload ? reload.pid : pidOf(reload.pidFile, service)
  const from = 'pid' in reload ? settingOf(service) : reload.pidFile
  if (pid === process.pid) {
    throw reloadFailed(service, {
      found: `process ${pid} (from ${from}) is mtls itself`,
      fix: `Let ${settingOf(service)} lead to the process of ${service}`,
      data: { pid },
    })
  }
  try {
    process.kill(pid, `SIG${reload.signal}`)
  } catch (error) {
    throw notSent(pid, from, service, error)
  }
}

function pidOf(path: string, service: string): number {
  try {
    const { pid, uid } = readPidFile(path)
    checkOwner(pid, uid)
    return pid
  } catch (error) {
    throw unusable(path, service, error)
  }
}

/** Whoever writes the file must not make root signal a process that he could not signal himself. */
function checkOwner(pid: number, uid: number): void {
  if (uid === 0 || uid === process.geteuid?.()) return
  const found = usersOf(pid)
  if (found === undefined || found.includes(uid)) return
  throw new PidFileFault(`belongs to user ${uid}, and process ${pid} in it to user ${found[0]}`)
}

/** Real and saved, which count in kill(2); undefined where there is no such process, or the system has no /proc. */
function usersOf(pid: number): number[] | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1')
    const [, real, saved] = /^Uid:\t(\d+)\t\d+\t(\d+)/m.exec(status) ?? []
    return real === undefined ? undefined : [Number(real), Number(saved)]
  } catch {
    return undefined
  }
}

function unusable(path: string, service: string, cause: unknown): AuthorityError {
  const { code } = cause as { code?: string }
  const setting = settingOf(service)
  const fixes: Readonly<Record<string, string>> = {
    EACCES: 'Run mtls as a user who may read it',
    ELOOP: `Name the file itself in ${setting}.pid_file, not a symbolic link`,
    ENOENT: `Start ${service}, or correct ${setting}.pid_file`,
  }
  return reloadFailed(service, {
    found:
      cause instanceof PidFileFault ? `${path} ${cause.message}` : `${path} can't be read (${code ?? cause})`,
    fix: fixes[code ?? ''] ?? `Restart ${service}, so that it writes it anew, or correct ${setting}.pid_file`,
    cause,
    data: { path, code },
  })
}

function notSent(pid: number, from: string, service: string, cause: unknown): AuthorityError {
  const { code } = cause as { code?: string }
  const setting = settingOf(service)
  const gone = code === 'ESRCH'
  return reloadFailed(service, {
    found: gone
      ? `no process ${pid} (from ${from}) runs`
      : `process ${pid} (from ${from}) can't be signalled (${code})`,
    fix: gone
      ? `Start ${service}, which then reads its new files, or correct ${setting}`
      : `Run mtls as root or as the user of ${service}, or set ${setting} to a command that may`,
    cause,
    data: { pid, code },
  })
}
