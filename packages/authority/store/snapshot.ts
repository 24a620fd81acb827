import { backup, DatabaseSync } from 'node:sqlite'
import type { Disk } from '../disk/disk.ts'
import { AuthorityError } from '../error.ts'

/** All pages in one step: what is copied is one moment, and writers go on meanwhile, in the log. */
const ALL_PAGES = 2 ** 31 - 1

/**
 * Copies the inventory as it is at one moment, on a thread of its own; nobody who writes waits for it.
 *
 * @param file the inventory
 * @param copy in a folder that is ours alone; one that a crash left behind is made anew
 * @throws AuthorityError `STORE_FAILED`
 */
export async function takeSnapshot(file: string, copy: string, disk: Disk): Promise<void> {
  removeSnapshot(copy, disk)
  disk.makePrivateFile(copy, { create: true })
  try {
    const source = new DatabaseSync(file, { readOnly: true, timeout: 5_000 })
    try {
      await backup(source, copy, { rate: ALL_PAGES })
    } finally {
      source.close()
    }
  } catch (cause) {
    removeSnapshot(copy, disk)
    const found = cause instanceof Error ? cause.message : String(cause)
    throw new AuthorityError(
      'STORE_FAILED',
      `the inventory ${file} can't be copied (${found}). Nothing was changed. Free space or mend the disk, then run the command again`,
      { cause, data: { file } },
    )
  }
}

/** The copy, and what SQLite keeps beside it while it is written. */
export function removeSnapshot(copy: string, disk: Disk): void {
  for (const path of [copy, `${copy}-journal`]) disk.remove(path)
}
