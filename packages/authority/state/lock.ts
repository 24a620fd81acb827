import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Disk } from '../disk/disk.ts'
import { AuthorityError } from '../error.ts'
import { sqliteFailure, sqliteRemedy } from '../store/sqlite-failure.ts'

export interface LockOptions {
  readonly pid: number
  /** What the holder does, for the message the second one gets: `apply`, `up`. */
  readonly purpose: string
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly disk?: Disk
}

export interface LockHolder {
  readonly pid: number
  readonly purpose: string
  /** RFC 3339, UTC. */
  readonly since: string
}

/** The right to act on one state folder; held by at most one process. */
export interface Lock {
  release(): void
  /** Its folder was moved, with it in it. @param path where it lies now */
  moved(path: string): void
}

/**
 * What is held by this process. An open database that nobody refers to is closed when garbage is collected, and the lock
 * would go with it; whoever acquires one and forgets it still holds it.
 */
const held = new Set<DatabaseSync>()

/**
 * Takes the lock, or says who has it. Never waits.
 *
 * It is a POSIX record lock on `path`, taken through an SQLite transaction (node has no call for it): the kernel frees
 * it when the process dies, however it dies. Beside it, `lock.json` says for people who holds it; that file alone means
 * nothing. Readers of the inventory don't take this lock and never wait for it.
 *
 * @param path `layout.authority.lock`; the folder is made 0700
 * @throws AuthorityError `LOCKED`, with the holder in `data`; `PERMISSIONS`; `DISK_FAILED`
 */
export function acquireLock(path: string, { pid, purpose, now, disk = new Disk() }: LockOptions): Lock {
  disk.makePrivateFile(path, { create: true })
  const identity = disk.identityOf(path)
  const note = noteOf(path)
  const database = lockedDatabase(path, () => locked(path, readHolder(disk, note)))
  try {
    const holder: LockHolder = { pid, purpose, since: new Date(now).toISOString() }
    disk.writeFileAtomic(note, `${JSON.stringify(holder)}\n`, { mode: 0o600 })
  } catch (error) {
    database.close()
    throw error
  }
  held.add(database)
  let place = path
  const moved = (to: string) => {
    place = to
  }
  const release = () => {
    if (!held.delete(database)) return
    try {
      // The note goes first: once the lock is free, the note may be another's. So it is where another lock lies there.
      if (disk.identityOf(place) === identity) disk.remove(noteOf(place))
    } finally {
      database.close()
    }
  }
  return { release, moved }
}

function noteOf(path: string): string {
  return join(dirname(path), 'lock.json')
}

function lockedDatabase(path: string, refusal: () => AuthorityError): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 0 })
  try {
    database.exec('BEGIN EXCLUSIVE')
    return database
  } catch (error) {
    database.close()
    throw sqliteFailure(error) === 'held' ? refusal() : unusable(path, error)
  }
}

/** For the message only: it may be gone or half of an older one, and then nobody is named. */
function readHolder(disk: Disk, note: string): LockHolder | undefined {
  try {
    const bytes = disk.readChecked(note, { maxBytes: 4096 })
    const { pid, purpose, since } = JSON.parse(Buffer.from(bytes ?? []).toString()) as Partial<LockHolder>
    if (typeof pid !== 'number' || typeof purpose !== 'string' || typeof since !== 'string') return undefined
    return { pid, purpose, since }
  } catch {
    return undefined
  }
}

function locked(path: string, holder: LockHolder | undefined): AuthorityError {
  const who = holder
    ? `mtls ${holder.purpose} (process ${holder.pid}, since ${holder.since})`
    : 'another mtls process, which has only just begun or is about to end'
  return new AuthorityError(
    'LOCKED',
    `${dirname(path)} is in use by ${who}. Wait until it is done, or stop it; it leaves nothing behind that must be removed`,
    { data: { path, holder } },
  )
}

function unusable(path: string, cause: unknown): AuthorityError {
  const found = cause instanceof Error ? cause.message : String(cause)
  const fix = sqliteRemedy(sqliteFailure(cause), 'It holds nothing: when no mtls runs, remove it')
  return new AuthorityError('DISK_FAILED', `${path} can't be locked (${found}). ${fix}`, {
    cause,
    data: { path },
  })
}
