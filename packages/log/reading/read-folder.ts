import { join } from 'node:path'
import { DiskStore } from '../disk-store.ts'
import { LogError } from '../log-error.ts'
import type { ReadObject } from './read-log.ts'

/** Reads a log whose objects lie as files in a folder; absolute. It throws LogError `LOG_UNREADABLE` for one that this user can't read. */
export function readFolder(folder: string): ReadObject {
  const store = new DiskStore(folder)
  return async (path) => {
    try {
      return await store.read(path)
    } catch (cause) {
      if (cause instanceof LogError) throw cause
      const reason = (cause as NodeJS.ErrnoException).code ?? String(cause)
      throw new LogError(
        'LOG_UNREADABLE',
        `${join(folder, path)} can't be read (${reason}); allowed: a folder with the objects of a log, which this user may read`,
        { cause },
      )
    }
  }
}
