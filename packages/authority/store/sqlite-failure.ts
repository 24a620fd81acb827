import { AuthorityError } from '../error.ts'

/** What a failure of SQLite tells of: who holds the file, what may not be opened, the disk, what is in the file; or of us. */
export type SqliteFailure = 'held' | 'denied' | 'disk' | 'damaged' | 'ours'

/** Primary result codes, https://www.sqlite.org/rescode.html */
const code = {
  ...{ perm: 3, busy: 5, locked: 6, noMemory: 7, readOnly: 8, ioError: 10, corrupt: 11, full: 13 },
  ...{ cantOpen: 14, notADatabase: 26 },
}

const failures: ReadonlyMap<number, SqliteFailure> = new Map([
  [code.busy, 'held'],
  [code.locked, 'held'],
  [code.perm, 'denied'],
  [code.noMemory, 'denied'],
  [code.readOnly, 'denied'],
  [code.cantOpen, 'denied'],
  [code.ioError, 'disk'],
  [code.full, 'disk'],
  [code.corrupt, 'damaged'],
  [code.notADatabase, 'damaged'],
])

const remedies: Readonly<Record<SqliteFailure, string>> = {
  held: 'Another program holds it: end that one, then run the command again',
  denied:
    'See that this user may write it and its folder, that files may still be opened (ulimit -n) and that there is memory, and that it is mounted writable; then run the command again',
  disk: 'Free space or mend the disk, then run the command again',
  damaged:
    'Put back a backup of it with `mtls restore FILE --replace`; mtls never makes a new one beside existing keys',
  ours: 'This should not happen; please report it',
}

export function isSqliteError(error: unknown): boolean {
  return (error as { code?: string } | undefined)?.code === 'ERR_SQLITE_ERROR'
}

export function sqliteFailure(error: unknown): SqliteFailure {
  return failures.get(((error as { errcode?: number }).errcode ?? 0) % 256) ?? 'ours'
}

/** What mends it, as a sentence. @param damaged where what is in the file can't be read */
export function sqliteRemedy(failure: SqliteFailure, damaged = remedies.damaged): string {
  return failure === 'damaged' ? damaged : remedies[failure]
}

export function notOpened(file: string, cause: unknown): AuthorityError {
  const found = cause instanceof Error ? cause.message : String(cause)
  return new AuthorityError(
    'STORE_FAILED',
    `the inventory ${file} can't be opened (${found}). Nothing was changed. ${sqliteRemedy(sqliteFailure(cause))}`,
    { cause, data: { file } },
  )
}
