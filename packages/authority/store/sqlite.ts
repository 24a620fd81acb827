import { DatabaseSync, type DatabaseSyncOptions, type StatementSync } from 'node:sqlite'
import { Disk } from '../disk/disk.ts'
import { AuthorityError } from '../error.ts'
import { CommitQueue, type Job, runWork } from './commit-queue.ts'
import type { CountingStore, Transaction } from './contract.ts'
import { ReadStatement } from './read-statement.ts'
import { refusal } from './refusal.ts'
import { applicationId, backupOf, migrate, migrations, type SchemaStep, schemaVersion } from './schema.ts'
import { isSqliteError, notOpened, sqliteFailure } from './sqlite-failure.ts'
import { SqliteReader } from './sqlite-reader.ts'
import { SqliteTransaction } from './sqlite-transaction.ts'

/** How long another program that holds the inventory may take to let go of it, milliseconds: the whole process waits. */
const OPEN_TIMEOUT = 5_000
/** The same of a commit, which is tried again. */
const COMMIT_TIMEOUT = 50

export interface SqliteStoreOptions {
  /** Absolute path of the inventory; made when it is not there, 0600, in a folder of 0700. */
  readonly file: string
  /** For commands that only look: writes are refused, and an older schema is too (`SCHEMA_TOO_OLD`). */
  readonly readOnly?: boolean
  readonly disk?: Disk
  /** Called before every commit; what it throws refuses all writes of it, and none of their works is run. */
  readonly mayCommit?: () => void
  /** The steps of the schema; only tests of migration give their own. */
  readonly steps?: readonly SchemaStep[]
  /** How the file is opened; only tests that tamper with the connection give their own. */
  readonly connect?: (file: string, options: DatabaseSyncOptions) => DatabaseSync
}

/**
 * What SQLite has beside an inventory that is open (https://www.sqlite.org/wal.html): what was committed lately, which it writes
 * into the inventory when it is closed, and where that is.
 */
export function filesBeside(inventory: string): readonly string[] {
  return [`${inventory}-wal`, `${inventory}-shm`]
}

/**
 * The inventory in one SQLite file: write-ahead log, `synchronous = FULL` (the log is synced before COMMIT returns),
 * foreign keys enforced.
 *
 * All works that wait are run in one BEGIN IMMEDIATE … COMMIT, each in a SAVEPOINT of its own. `node:sqlite` is
 * synchronous, so nothing but works runs between the two, and no reader of this process sees what isn't committed.
 */
export class SqliteStore extends SqliteReader implements CountingStore {
  readonly #database: DatabaseSync
  readonly #transaction: SqliteTransaction | undefined
  readonly #queue = new CommitQueue((jobs, isLast) => this.#flush(jobs, isLast))
  readonly #mayCommit: () => void
  readonly #begin: StatementSync
  readonly #commit: StatementSync
  readonly #rollback: StatementSync
  readonly #savepoint: StatementSync
  readonly #release: StatementSync
  readonly #rollbackTo: StatementSync
  readonly #dataVersion: ReadStatement
  readonly #touch: StatementSync
  #commits = 0
  #failure: Error | undefined
  #closed = false

  /**
   * Opens the inventory, and brings its schema up to date.
   *
   * @throws AuthorityError `SCHEMA_TOO_NEW`; `SCHEMA_TOO_OLD` (only with `readOnly`); `PERMISSIONS` when file or folder
   *   is looser than it may be; `STORE_FAILED` when the file is damaged, no inventory, or can't be opened
   */
  static open(options: SqliteStoreOptions): SqliteStore {
    const { file, disk = new Disk() } = options
    disk.makePrivateFile(file, { create: !options.readOnly })
    try {
      return new SqliteStore(openDatabase({ ...options, disk }), options)
    } catch (error) {
      throw error instanceof AuthorityError ? error : notOpened(file, error)
    }
  }

  private constructor(
    database: DatabaseSync,
    { readOnly = false, mayCommit = () => {} }: SqliteStoreOptions,
  ) {
    super(database)
    this.#mayCommit = mayCommit
    this.#database = database
    this.#transaction = readOnly ? undefined : new SqliteTransaction(database)
    this.#begin = database.prepare('BEGIN IMMEDIATE')
    this.#commit = database.prepare('COMMIT')
    this.#rollback = database.prepare('ROLLBACK')
    this.#savepoint = database.prepare('SAVEPOINT work')
    this.#release = database.prepare('RELEASE work')
    this.#rollbackTo = database.prepare('ROLLBACK TO work')
    // Written also where it was the same, which rows are not.
    this.#touch = database.prepare(`PRAGMA application_id = ${applicationId}`)
    this.#dataVersion = new ReadStatement(database, 'PRAGMA data_version')
  }

  get commits(): CountingStore['commits'] {
    // SQLite has another one for every commit of another connection (https://www.sqlite.org/pragma.html#pragma_data_version).
    return { own: this.#commits, others: this.#dataVersion.get()!.data_version as number }
  }

  get failure(): Error | undefined {
    return this.#failure
  }

  write<T>(work: (transaction: Transaction) => T): Promise<T> {
    if (this.#transaction === undefined) throw new TypeError('this inventory was opened for reading only')
    if (this.#closed) return Promise.reject(refusal.closed())
    return this.#queue.add(work)
  }

  close(): void {
    if (this.#closed) return
    this.#queue.flushNow()
    this.#closed = true
    this.#database.close()
  }

  #flush(jobs: readonly Job[], isLast: boolean): boolean {
    try {
      this.#mayCommit()
      this.#begin.run()
    } catch (error) {
      if (sqliteFailure(error) === 'held' && !isLast) return false
      const lost = lostBy(error)
      this.#failure = lost
      for (const job of jobs) job.reject(lost)
      return true
    }
    this.#commitAll(jobs)
    return true
  }

  /** One durable commit for all of `jobs`. Callers are told only when its fate is known. */
  #commitAll(jobs: readonly Job[]): void {
    const settle: Settle[] = []
    let lost: AuthorityError | undefined
    const before = this.#failure
    this.#failure = undefined
    try {
      if (before !== undefined) this.#touch.run()
      for (const job of jobs) settle.push(this.#run(job))
      this.#transaction!.keep()
      this.#commit.run()
    } catch (error) {
      if (this.#database.isTransaction) this.#rollback.run()
      lost = lostBy(error)
      this.#failure = lost
    } finally {
      this.#transaction!.forget()
      this.#commits++
    }
    for (const [index, job] of jobs.entries()) {
      const tell = settle[index] ?? job.reject
      tell(lost)
    }
  }

  /** @throws what SQLite threw when it gave up the whole transaction, as it may when the disk is full */
  #run(job: Job): Settle {
    const transaction = this.#transaction!
    this.#savepoint.run()
    transaction.open()
    try {
      const value = runWork(job, transaction)
      this.#release.run()
      return (lost) => (lost === undefined ? job.resolve(value) : job.reject(lost))
    } catch (error) {
      if (!this.#database.isTransaction) throw error
      this.#rollbackTo.run()
      this.#release.run()
      transaction.undo()
      if (!isSqliteError(error)) return () => job.reject(error)
      const lost = refusal.lost(error)
      this.#failure = lost
      return () => job.reject(lost)
    } finally {
      transaction.shut()
    }
  }
}

/** Tells the caller of a write what became of it: lost with its commit, or else what its own work came to. */
type Settle = (lost: AuthorityError | undefined) => void

function lostBy(error: unknown): AuthorityError {
  return error instanceof AuthorityError ? error : refusal.lost(error)
}

function openDatabase(options: SqliteStoreOptions & { disk: Disk }): DatabaseSync {
  const { file, readOnly = false, disk, steps = migrations, connect = openFile } = options
  const database = connect(file, { readOnly, timeout: OPEN_TIMEOUT, enableForeignKeyConstraints: true })
  try {
    // There may be no folder for temporary files that this user may write to.
    database.exec('PRAGMA temp_store = MEMORY')
    const version = schemaVersion(database, file, steps.length)
    if (readOnly && version === 0) return nothingIn(database, steps)
    if (readOnly && version < steps.length) throw tooOld(file, version, steps.length)
    if (readOnly) return database
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
    if (version > 0 && version < steps.length) backUp(database, disk, backupOf(file, version))
    if (version < steps.length) migrate(database, version, steps)
    database.exec(`PRAGMA busy_timeout = ${COMMIT_TIMEOUT}`)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** Whoever looks into an empty file finds what the first apply would: an inventory with nothing in it. */
function nothingIn(empty: DatabaseSync, steps: readonly SchemaStep[]): DatabaseSync {
  empty.close()
  const database = new DatabaseSync(':memory:')
  migrate(database, 0, steps)
  return database
}

function openFile(file: string, options: DatabaseSyncOptions): DatabaseSync {
  return new DatabaseSync(file, options)
}

/** A whole copy, synced, before the first migrating statement. One of an earlier, interrupted try is made anew. */
function backUp(database: DatabaseSync, disk: Disk, backup: string): void {
  disk.remove(backup)
  disk.makePrivateFile(backup, { create: true })
  database.prepare('VACUUM INTO ?').run(backup)
  disk.sync(backup)
}

function tooOld(file: string, found: number, needed: number): AuthorityError {
  return new AuthorityError(
    'SCHEMA_TOO_OLD',
    `${file} has schema ${found}, and this mtls reads schema ${needed}. Run mtls apply once, or restart \`mtls up\` where one runs, which is older: that keeps a backup and brings it up to date`,
    { data: { file, found, needed } },
  )
}
