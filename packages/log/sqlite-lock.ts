import { chmodSync, closeSync, openSync, statSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { CheckpointLock } from '@datapunk/tlog'
import { LogError } from './log-error.ts'

/** How long the process that had it before may take to let go of it, milliseconds. */
const BUSY_TIMEOUT = 1_000

/** SQLITE_BUSY. */
const BUSY = 5

/** SQLITE_CORRUPT, SQLITE_NOTADB. */
const DAMAGED: ReadonlySet<number | undefined> = new Set([11, 26])

/**
 * The last checkpoint and the receipts in a file of their own, apart from the data. Whoever has it open is alone with it: the
 * system lets go of it when the process ends, however it ends. It is for its owner alone: whoever may read a file may lock it, and so
 * keep everybody out.
 */
export class SqliteLock implements CheckpointLock {
  readonly #db: DatabaseSync
  readonly #read: StatementSync
  readonly #receipt: StatementSync
  readonly #put: StatementSync
  readonly #addReceipt: StatementSync

  /**
   * @param file absolute; made when there is none
   * @throws LogError `LOG_TAKEN`; `LOG_WRONG` it is no lock any more
   */
  constructor(file: string) {
    this.#db = openAlone(file)
    this.#read = this.#db.prepare('SELECT signed FROM checkpoint')
    this.#receipt = this.#db.prepare('SELECT receipt FROM receipt WHERE key = ?')
    this.#put = this.#db.prepare(
      'INSERT INTO checkpoint (one, signed) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET signed = excluded.signed',
    )
    this.#addReceipt = this.#db.prepare('INSERT INTO receipt (key, receipt) VALUES (?, ?)')
  }

  async checkpoint(): Promise<Uint8Array | undefined> {
    return this.#checkpoint()
  }

  async receipt(key: string): Promise<Uint8Array | undefined> {
    return this.#receipt.get(Buffer.from(key, 'hex'))?.receipt as Uint8Array | undefined
  }

  async replace({ expected, next, receipts }: Parameters<CheckpointLock['replace']>[0]): Promise<boolean> {
    this.#db.exec('BEGIN IMMEDIATE')
    try {
      const isExpected = sameOctets(this.#checkpoint(), expected)
      if (isExpected) {
        this.#put.run(next)
        for (const [key, receipt] of receipts) this.#addReceipt.run(Buffer.from(key, 'hex'), receipt)
      }
      this.#db.exec('COMMIT')
      return isExpected
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      throw error
    }
  }

  /** Nothing happens where it is closed. */
  close(): void {
    if (this.#db.isOpen) this.#db.close()
  }

  #checkpoint(): Uint8Array | undefined {
    return this.#read.get()?.signed as Uint8Array | undefined
  }
}

function openAlone(file: string): DatabaseSync {
  makePrivate(file)
  const db = new DatabaseSync(file, { timeout: BUSY_TIMEOUT })
  try {
    // There may be no folder for temporary files that this user may write to.
    db.exec(`
      PRAGMA temp_store = MEMORY;
      PRAGMA locking_mode = EXCLUSIVE;
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      CREATE TABLE IF NOT EXISTS checkpoint (one INTEGER PRIMARY KEY CHECK (one = 1), signed BLOB NOT NULL) STRICT;
      CREATE TABLE IF NOT EXISTS receipt (key BLOB PRIMARY KEY, receipt BLOB NOT NULL) STRICT, WITHOUT ROWID;
    `)
    return db
  } catch (cause) {
    db.close()
    const { errcode } = cause as { errcode?: number }
    if (DAMAGED.has(errcode)) throw noLock(file, cause)
    if (errcode !== BUSY) throw cause
    throw new LogError(
      'LOG_TAKEN',
      `another process has the log of ${file} open; allowed: one at a time. End it (\`fuser ${file}\` says which it is), or leave the log to it`,
      { cause, data: { path: file } },
    )
  }
}

function noLock(file: string, cause: unknown): LogError {
  return new LogError('LOG_WRONG', `found in ${file} no record of what the log has signed last`, {
    cause,
    data: { path: file },
  })
}

/** Before SQLite makes it by the umask; one that an earlier version made so is closed to others. */
function makePrivate(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    if ((statSync(file).mode & 0o077) !== 0) chmodSync(file, 0o600)
  }
}

function sameOctets(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return Buffer.compare(a, b) === 0
}
