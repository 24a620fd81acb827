import * as fs from 'node:fs'
import { hasCode, inTheWay, mayNotGive } from './disk-failure.ts'
import type { Owner } from './numeric-owner.ts'

/** The calls of `node:fs` that `Disk` makes: the seam where tests fail the disk, or cut the power. */
export type DiskCalls = Pick<
  typeof fs,
  | 'closeSync'
  | 'fchmodSync'
  | 'fchownSync'
  | 'fstatSync'
  | 'fsync'
  | 'fsyncSync'
  | 'lstatSync'
  | 'mkdirSync'
  | 'openSync'
  | 'readSync'
  | 'readdirSync'
  | 'readlinkSync'
  | 'renameSync'
  | 'rmdirSync'
  | 'symlinkSync'
  | 'unlinkSync'
  | 'writeSync'
>

export interface WriteOptions {
  /** Permission bits, exactly so whatever the umask. */
  readonly mode: number
  readonly owner?: Owner | undefined
}

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = fs.constants
const OPEN_FOLDER = O_RDONLY | O_DIRECTORY | O_NOFOLLOW

/**
 * What deeds on a disk are made of: a call of the system, or a few that belong together, with what each of them may meet. What
 * it throws is mostly the system's own error: `Disk` says where.
 */
export class DiskSteps {
  readonly #fs: DiskCalls

  constructor(calls: DiskCalls) {
    this.#fs = calls
  }

  /** @param sync what is done before it is closed; an fsync unless told */
  writeNew(
    path: string,
    bytes: Uint8Array | string,
    { mode, owner }: WriteOptions,
    sync = (fd: number) => this.#fs.fsyncSync(fd),
  ): void {
    const fd = this.openNew(path)
    try {
      this.dress(fd, path, mode, owner)
      this.writeAll(fd, typeof bytes === 'string' ? Buffer.from(bytes) : bytes)
      sync(fd)
    } finally {
      this.#fs.closeSync(fd)
    }
  }

  /** A crash may have left a file of this name; nobody but us uses it. */
  openNew(path: string): number {
    return this.makingRoom(path, () =>
      this.#fs.openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600),
    )
  }

  /** What lies in the way of something new goes first: a crash has left it. */
  makingRoom<T>(path: string, make: () => T): T {
    try {
      return make()
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error
      this.#fs.unlinkSync(path)
      return make()
    }
  }

  /** The owner first: a chown clears bits that a chmod has set. */
  dress(fd: number, path: string, mode: number, owner: Owner | undefined): void {
    if (owner !== undefined && !isOwnedBy(this.#fs.fstatSync(fd), owner)) {
      try {
        this.#fs.fchownSync(fd, owner.uid, owner.gid)
      } catch (error) {
        throw hasCode(error, 'EPERM') ? mayNotGive(path, owner, error) : error
      }
    }
    this.#fs.fchmodSync(fd, mode)
  }

  /** A call may write less than it was given. */
  writeAll(fd: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) done += this.#fs.writeSync(fd, bytes, done, bytes.length - done)
  }

  /** A call may read less than there is. @returns fewer octets than `size` where the file ends before */
  readAll(fd: number, size: number): Uint8Array {
    const bytes = new Uint8Array(size)
    let length = 0
    for (let read = -1; read !== 0 && length < size; length += read) {
      read = this.#fs.readSync(fd, bytes, length, size - length, null)
    }
    return bytes.subarray(0, length)
  }

  withFolder(path: string, act: (fd: number) => void): void {
    this.withOpen(path, OPEN_FOLDER, act)
  }

  withOpen(path: string, flags: number, act: (fd: number) => void): void {
    const fd = this.#fs.openSync(path, flags)
    try {
      act(fd)
    } finally {
      this.#fs.closeSync(fd)
    }
  }

  /** @returns undefined where there is none */
  openIfThere(path: string, flags: number): number | undefined {
    try {
      return this.#fs.openSync(path, flags)
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined
      throw error
    }
  }

  /** Links are not followed. @returns undefined where nothing lies there */
  stat(path: string): fs.Stats | undefined {
    return this.#fs.lstatSync(path, { throwIfNoEntry: false })
  }

  /** @throws AuthorityError `PAIR_INVALID` where something lies there that is no link */
  linkText(path: string): string | undefined {
    try {
      return this.#fs.readlinkSync(path)
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined
      throw hasCode(error, 'EINVAL') ? inTheWay(path) : error
    }
  }

  /** @returns whether there was one */
  unlinkIfThere(path: string): boolean {
    try {
      this.#fs.unlinkSync(path)
      return true
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return false
      throw error
    }
  }

  /** The first failure is the one to tell; that the temporary file stays too changes nothing. */
  orRemove(temporary: string, act: () => void): void {
    try {
      act()
    } catch (error) {
      this.tryToRemove(temporary)
      throw error
    }
  }

  /** Best effort: nobody reads it. */
  tryToRemove(temporary: string): void {
    try {
      this.unlinkIfThere(temporary)
    } catch {}
  }
}

export function isOwnedBy(stat: fs.Stats, owner: Owner | undefined): boolean {
  if (owner === undefined) return true
  return (owner.uid === -1 || stat.uid === owner.uid) && (owner.gid === -1 || stat.gid === owner.gid)
}
