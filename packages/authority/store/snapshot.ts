import { backup, DatabaseSync } from 'node:sqlite'
import type { Disk } from '../disk/disk.ts'
import { AuthorityError } from '../error.ts'
import { sqliteFailure, sqliteRemedy } from './sqlite-failure.ts'

/** All pages in one step: nobody can write between two of them. */
const ALL_PAGES = 2 ** 31 - 1

/** The inventory as it is at one moment. Whoever writes goes on meanwhile, in SQLite's own log, and is not seen. */
export class Snapshot {
  readonly #file: string
  readonly #source: DatabaseSync

  private constructor(file: string, source: DatabaseSync) {
    this.#file = file
    this.#source = source
  }

  /**
   * Holds on to this moment until it is closed.
   *
   * @param file the inventory
   * @throws AuthorityError `STORE_FAILED`
   */
  static take(file: string): Snapshot {
    let source: DatabaseSync | undefined
    try {
      source = new DatabaseSync(file, { readOnly: true, timeout: 5_000 })
      // A transaction begins with the first that it reads.
      source.exec('BEGIN; SELECT * FROM mesh')
      return new Snapshot(file, source)
    } catch (cause) {
      source?.close()
      throw notCopied(file, cause)
    }
  }

  /**
   * Copies it on a thread of its own.
   *
   * @param copy in a folder that is ours alone; one that a crash left behind is made anew
   * @throws AuthorityError `STORE_FAILED`
   */
  async copyTo(copy: string, disk: Disk): Promise<void> {
    removeSnapshot(copy, disk)
    disk.makePrivateFile(copy, { create: true })
    try {
      await backup(this.#source, copy, { rate: ALL_PAGES })
    } catch (cause) {
      removeSnapshot(copy, disk)
      throw notCopied(this.#file, cause)
    }
  }

  close(): void {
    this.#source.close()
  }
}

/** The copy, and what SQLite keeps beside it while it is written. */
export function removeSnapshot(copy: string, disk: Disk): void {
  for (const path of [copy, `${copy}-journal`]) disk.remove(path)
}

function notCopied(file: string, cause: unknown): AuthorityError {
  const found = cause instanceof Error ? cause.message : String(cause)
  return new AuthorityError(
    'STORE_FAILED',
    `the inventory ${file} can't be copied (${found}). Nothing was changed. ${sqliteRemedy(sqliteFailure(cause))}`,
    { cause, data: { file } },
  )
}
