import { AuthorityError } from '../error.ts'

/** What mends each refusal of the operating system; https://man7.org/linux/man-pages/man3/errno.3.html */
const remedies: Readonly<Record<string, string>> = {
  EACCES: 'run mtls as the user who owns it',
  EDQUOT: 'the quota is used up: free space, then run the command again',
  EIO: 'the disk failed: check it, and restore from a backup if need be',
  EISDIR: 'a folder lies where a file should: move it away',
  ELOOP: 'a symbolic link lies where none may: remove it',
  EMFILE: 'too many open files: raise the limit (ulimit -n)',
  ENOENT: 'a part of the path is missing: create it, or correct the path in the config',
  ENOSPC: 'the disk is full: free space, then run the command again',
  ENOTDIR: 'a part of the path is no folder: correct the path in the config',
  EPERM: 'run mtls as root, or as the user who owns it',
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
  const remedy = remedies[error.code] ?? 'mend it, then run the command again'
  return new AuthorityError('DISK_FAILED', `${path}: ${error.syscall} failed with ${error.code}; ${remedy}`, {
    cause: error,
    data: { path, syscall: error.syscall, errno: error.code },
  })
}
