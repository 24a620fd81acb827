import { AuthorityError } from '../error.ts'
import type { Owner } from './numeric-owner.ts'
import { whose } from './whose.ts'

/** What mends each refusal of the operating system; https://man7.org/linux/man-pages/man3/errno.3.html */
const remedies: Readonly<Record<string, string>> = {
  EACCES: 'run mtls as the user who owns it, WHOSE',
  EDQUOT: 'the quota is used up: free space, then run the command again',
  EIO: 'the disk failed: check it, and restore from a backup if need be',
  EISDIR: 'a folder lies where a file should: move it away',
  ELOOP: 'a symbolic link lies where none may: remove it',
  EMFILE: 'too many open files: raise the limit (ulimit -n)',
  ENOENT: 'a part of the path is missing: create it, or correct the path in the config',
  ENOSPC: 'the disk is full: free space, then run the command again',
  ENOTDIR: 'a part of the path is no folder: correct the path in the config',
  EPERM: 'run mtls as root, or as the user who owns it, WHOSE',
  EROFS: 'the file system is read-only: remount it writable, or move authority.state',
  EXDEV: 'the folders of one state must lie on one file system: mount the state folder as a whole',
}

interface SystemError extends Error {
  readonly code: string
  readonly syscall: string
}

export function isSystemError(error: unknown): error is SystemError {
  return error instanceof Error && 'syscall' in error && 'code' in error && typeof error.code === 'string'
}

export function hasCode(error: unknown, code: string): boolean {
  return isSystemError(error) && error.code === code
}

/** Says a refusal of the operating system as `DISK_FAILED`; anything else stays what it is. */
export function diskFailure(error: unknown, path: string): unknown {
  if (!isSystemError(error)) return error
  const remedy = (remedies[error.code] ?? 'mend it, then run the command again').replace('WHOSE', () =>
    whose(path),
  )
  return new AuthorityError('DISK_FAILED', `${path}: ${error.syscall} failed with ${error.code}; ${remedy}`, {
    cause: error,
    data: { path, syscall: error.syscall, errno: error.code },
  })
}

export function refuseLooser(path: string, found: number, allowed: number): void {
  if ((found & 0o777 & ~allowed) === 0) return
  throw new AuthorityError(
    'PERMISSIONS',
    `${path} has mode ${octal(found)}, and may have ${octal(allowed)} at most. Run: chmod ${octal(allowed)} ${path}`,
    { data: { path, found: found & 0o777, allowed } },
  )
}

function octal(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, '0')
}

export function foreign(path: string, found: number, uid: number): AuthorityError {
  return new AuthorityError(
    'PERMISSIONS',
    `${path} belongs to user ${found}, who could change what lies in it. Run: chown ${uid} ${path}`,
    { data: { path, found, allowed: uid } },
  )
}

export function mayNotGive(path: string, owner: Owner, cause: unknown): AuthorityError {
  return new AuthorityError(
    'PERMISSIONS',
    `${path} can't be given to ${owner.uid}:${owner.gid} by this user. Run mtls as root, or leave owner and group out of the config and run it as that user`,
    { cause, data: { path, ...owner } },
  )
}

export function notA(kind: string, path: string): AuthorityError {
  return new AuthorityError('DISK_FAILED', `${path} is no ${kind}; move it away`, { data: { path } })
}

export function mountedThere(path: string): AuthorityError {
  return new AuthorityError(
    'DISK_FAILED',
    `${path} is of another file system, and what is there is not removed. Run: umount ${path}`,
    { data: { path } },
  )
}

export function missing(path: string): AuthorityError {
  return new AuthorityError('DISK_FAILED', `${path} does not exist; mtls apply makes it`, {
    data: { path, errno: 'ENOENT' },
  })
}

export function tooLong(path: string, maxBytes: number): AuthorityError {
  return new AuthorityError(
    'DISK_FAILED',
    `${path} is longer than ${maxBytes} bytes; it is not what it should be`,
    {
      data: { path, maxBytes },
    },
  )
}

export function inTheWay(path: string): AuthorityError {
  return new AuthorityError(
    'PAIR_INVALID',
    `${path} is a file or folder of its own, and mtls would put a link there. Move it away, or name another path in the config`,
    { data: { path } },
  )
}

export function foreignLink(path: string, found: string, within: string): AuthorityError {
  return new AuthorityError(
    'PAIR_INVALID',
    `${path} is a link to ${found}, outside of the state folder ${within}: it belongs to another mesh or environment. Remove it, or name another path in the config`,
    { data: { path, found, within } },
  )
}
