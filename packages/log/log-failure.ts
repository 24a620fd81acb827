import { PkiError } from '@datapunk/pki'
import type { LogFolder } from '@datapunk/protocol'
import { TlogError } from '@datapunk/tlog'
import type { AboutLog } from './about.ts'
import { LogError } from './log-error.ts'

/** What mends a disk that refuses, by the code of the operating system. */
const remedies: Readonly<Record<string, string>> = {
  EACCES: 'this user may not write there',
  EDQUOT: 'the quota is used up: free space',
  EIO: 'the disk failed: check it',
  ENOSPC: 'the disk is full: free space',
  ENOTDIR: 'there is a file, and no folder: name another',
  EROFS: 'the file system is read-only: remount it writable',
}

/** SQLite's SQLITE_FULL (https://www.sqlite.org/rescode.html). */
const FULL = 13

export function ended({ origin, generation }: AboutLog, found: number): LogError {
  return new LogError(
    'LOG_ENDED',
    `the log ${origin} belongs to generation ${generation} of its mesh; found generation ${found}, or another mesh: after a restore a log is never gone on with. \`mtls log serve --new\` makes another, whose URL goes into authority.log`,
  )
}

/** Whether what lies in its folder is not what the log has written. */
export function isDamage(cause: unknown): cause is TlogError | LogError {
  if (cause instanceof LogError) return cause.code === 'LOG_WRONG'
  return cause instanceof TlogError && cause.code !== 'ROUND_FAILED'
}

export function damaged({ dir }: LogFolder, cause: TlogError | LogError): LogError {
  return new LogError(
    'LOG_DAMAGED',
    `the log in ${dir} can't go on: ${cause.message}. Put its folder back as it was last; where that is not to be had, \`mtls rotate --log\` begins another`,
    { cause, data: { path: dir } },
  )
}

export function refused(cause: unknown): unknown {
  if (!(cause instanceof PkiError)) return cause
  return new LogError('SUBMISSION_REFUSED', cause.message, { cause, data: { rule: cause.code } })
}

export function writeFailed(cause: unknown, folder: LogFolder): unknown {
  if (cause instanceof TlogError && cause.code === 'POOL_FULL')
    return new LogError('LOG_BUSY', cause.message, { cause })
  if (isDamage(cause)) return damaged(folder, cause)
  return notWritten(cause, folder.dir)
}

/** What the disk refused while a log was opened or made, as `LOG_WRITE_FAILED`; anything else stays what it is. */
export function notOpened(cause: unknown, dir: string): unknown {
  return isOfDisk(cause) ? notWritten(cause, dir) : cause
}

/** What the disk refused while a copy of a log was written. */
export function copyNotWritten(cause: unknown, folder: string): LogError {
  return notWritten(cause, folder, 'the copy')
}

function notWritten(cause: unknown, dir: string, what = 'the log'): LogError {
  const inner = cause instanceof TlogError ? cause.cause : cause
  const why = inner instanceof Error ? inner.message : String(inner)
  return new LogError(
    'LOG_WRITE_FAILED',
    `${what} in ${dir} could not be written: ${why}${remedyOf(inner)}`,
    { cause, data: { path: dir } },
  )
}

function isOfDisk(error: unknown): boolean {
  return error instanceof Error && ('syscall' in error || 'errcode' in error)
}

function remedyOf(error: unknown): string {
  const { code, errcode } = error as { code?: string; errcode?: number }
  const remedy = errcode === FULL ? remedies.ENOSPC : remedies[code ?? '']
  return remedy === undefined ? '' : `; ${remedy}`
}
