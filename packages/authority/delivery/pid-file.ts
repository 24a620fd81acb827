import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs'

/** PostgreSQL's has about 100 bytes, and nobody's has more. */
const MAX_BYTES = 4096

/** What a pid file says, and whose word that is. */
export interface PidFile {
  readonly pid: number
  readonly uid: number
}

/** A pid file that is not to be believed. The message goes on from the file's name. */
export class PidFileFault extends Error {
  override readonly name = 'PidFileFault'
}

/**
 * Reads the number in the first line; PostgreSQL has more lines after that.
 *
 * @throws PidFileFault, or the error of the system
 */
export function readPidFile(path: string): PidFile {
  // O_NONBLOCK: a named pipe in the place of the file would make us wait for ever.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const stat = fstatSync(fd)
    checkFile(stat)
    const bytes = Buffer.alloc(MAX_BYTES)
    const length = readSync(fd, bytes, 0, MAX_BYTES, 0)
    return { pid: pidIn(bytes.toString('latin1', 0, length)), uid: stat.uid }
  } finally {
    closeSync(fd)
  }
}

function checkFile(stat: Stats): void {
  if (!stat.isFile()) throw new PidFileFault('is no regular file')
  if (stat.size > MAX_BYTES) {
    throw new PidFileFault(`has ${stat.size} bytes, and a pid file has ${MAX_BYTES} at most`)
  }
  if ((stat.mode & 0o002) !== 0) throw new PidFileFault('may be written by anyone (chmod o-w)')
}

function pidIn(text: string): number {
  const [first = ''] = text.split('\n')
  if (first.trim() === '') throw new PidFileFault('is empty')
  const pid = /^\s*\d{1,10}\s*$/.test(first) ? Number(first) : 0
  if (pid <= 1) throw new PidFileFault('has no number of a process in its first line')
  return pid
}
