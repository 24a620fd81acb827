import { accessSync, constants, readlinkSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/** A folder that others may write. */
export interface OpenFolder {
  readonly path: string
  /** Its `st_mode`. */
  readonly mode: number
}

/** As the kernel follows; path_resolution(7). */
const MAX_LINKS = 40

/**
 * The folder of a file, or of a link that leads to it, where anybody may put something else in its place; undefined where there is
 * none. Where whoever may write can't take away what is another's (sticky, as /tmp) it stays, and on a read-only mount, as of a config
 * map, everything does.
 *
 * @param file absolute
 */
export function openFolderOf(file: string): OpenFolder | undefined {
  // What Windows says of modes means nothing.
  if (process.platform === 'win32') return undefined
  let path: string | undefined = file
  for (let links = 0; path !== undefined && links <= MAX_LINKS; links++) {
    const folder = dirname(path)
    const mode = statSync(folder, { throwIfNoEntry: false })?.mode ?? 0
    const isOpen = (mode & 0o002) !== 0 && (mode & 0o1000) === 0
    if (isOpen && !isMountedReadOnly(folder)) return { path: folder, mode }
    path = targetOf(path)
  }
  return undefined
}

/** Undefined where it is no link. */
function targetOf(path: string): string | undefined {
  try {
    return resolve(dirname(path), readlinkSync(path))
  } catch {
    return undefined
  }
}

/** Whether nobody writes there, by the mount that leads there, whoever may by its mode. */
function isMountedReadOnly(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EROFS'
  }
}
