import * as fs from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import {
  diskFailure,
  foreign,
  foreignLink,
  hasCode,
  missing,
  mountedThere,
  notA,
  refuseLooser,
  tooLong,
} from './disk-failure.ts'
import { type DiskCalls, DiskSteps, isOwnedBy, type WriteOptions } from './disk-steps.ts'
import { isInside } from './is-inside.ts'
import type { Owner } from './numeric-owner.ts'

export interface ReadOptions {
  /** Bytes; a longer file is refused. */
  readonly maxBytes: number
  /** Permission bits that may be set; a file with any other is refused. */
  readonly refuseLooserThan?: number
  /** Whether the file may be reached through a symbolic link as its last step (default true). */
  readonly followLinks?: boolean
}

/** A file that is read piece by piece, from its beginning. */
export interface OpenFile {
  /** Bytes. */
  readonly size: number
  /** The next piece; shorter than `length` only at the end. */
  read(length: number): Uint8Array
  close(): void
}

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = fs.constants

/**
 * Everything this package writes to disk, less the inventory, goes through here. Whoever writes holds the lock: two
 * writers of one path would share its temporary name.
 *
 * A happy `writeFileAtomic('/f/name', bytes, { mode: 0o640, owner })` is exactly these calls:
 *
 *     open("/f/.name.new", O_WRONLY|O_CREAT|O_EXCL|O_NOFOLLOW, 0600)
 *     fchown(owner)               only with an owner
 *     fchmod(0640)                before the first byte is in it, and whatever the umask
 *     write(bytes) … fsync, close
 *     rename("/f/.name.new", "/f/name")
 *     open("/f", O_RDONLY|O_DIRECTORY), fsync, close
 *
 * A crash before the rename leaves the old file and a `.name.new`, which the next write of that path removes; after
 * it, the new file. When the last fsync fails, the new file is there, but a power cut may bring the old one back.
 *
 * Every method throws AuthorityError `DISK_FAILED` (path, syscall and errno in `data`) when the system refuses.
 */
export class Disk {
  readonly #fs: DiskCalls
  readonly #steps: DiskSteps
  readonly #uid: number
  /** What files were found to hold, and when they had been changed last: what has not changed since is not read again. */
  readonly #held = new Map<string, { readonly stamp: string; readonly bytes: Uint8Array }>()

  /**
   * @param options.calls default `node:fs`
   * @param options.uid who we are; default the effective user of this process
   */
  constructor(options: { calls?: DiskCalls; uid?: number } = {}) {
    this.#fs = options.calls ?? fs
    this.#steps = new DiskSteps(this.#fs)
    this.#uid = options.uid ?? process.geteuid?.() ?? 0
  }

  /**
   * Makes sure that a folder is there. Missing folders above it are made 0755. One that is there with more rights than
   * `mode` is refused, and so is a private one (no rights for group and others) of a foreign user; otherwise it is left
   * as it is. With `owner`, it gets this owner, whoever had it, and this mode, when it had fewer rights.
   *
   * @param before a mode that it was given on purpose: with `owner`, what that has more than `mode` is taken away, not refused
   * @throws AuthorityError `PERMISSIONS`, naming the command that mends it
   */
  ensureFolder(path: string, mode: number, owner?: Owner, before = 0): void {
    this.#saying(path, () => {
      const stat = this.#steps.stat(path)
      if (stat === undefined) {
        this.#makeFolder(path, mode, owner)
        return
      }
      if (!stat.isDirectory()) throw notA('folder', path)
      refuseLooser(path, stat.mode, owner === undefined ? mode : mode | before)
      if (owner === undefined && isPrivate(mode) && !this.#isOurs(stat))
        throw foreign(path, stat.uid, this.#uid)
      const settled = owner === undefined || ((stat.mode & 0o777) === mode && isOwnedBy(stat, owner))
      if (!settled) this.#steps.withFolder(path, (fd) => this.#steps.dress(fd, path, mode, owner))
    })
  }

  /** Replaces or makes a file, whole or not at all, and returns when it is on disk. See the head of the class. */
  writeFileAtomic(path: string, bytes: Uint8Array | string, options: WriteOptions): void {
    const temporary = temporaryOf(path)
    this.#saying(path, () => {
      this.#steps.orRemove(temporary, () => {
        this.#steps.writeNew(temporary, bytes, options)
        this.#fs.renameSync(temporary, path)
      })
      this.syncFolder(dirname(path))
    })
  }

  /**
   * `writeFileAtomic` for what is too large to be held, or takes its time to be made. @returns how many bytes it wrote
   */
  async writeFileFrom(
    path: string,
    pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    { mode, owner }: WriteOptions,
  ): Promise<number> {
    const temporary = temporaryOf(path)
    let size = 0
    try {
      const fd = this.#steps.openNew(temporary)
      try {
        this.#steps.dress(fd, temporary, mode, owner)
        for await (const piece of pieces) {
          this.#steps.writeAll(fd, piece)
          size += piece.length
        }
        await ended((told) => this.#fs.fsync(fd, told))
      } finally {
        this.#fs.closeSync(fd)
      }
      this.#fs.renameSync(temporary, path)
    } catch (error) {
      this.#steps.tryToRemove(temporary)
      throw diskFailure(error, path)
    }
    this.syncFolder(dirname(path))
    return size
  }

  /** `writeFileAtomic`, unless the file has these bytes, mode and owner already. @returns whether it wrote */
  writeFileIfChanged(path: string, bytes: Uint8Array | string, options: WriteOptions): boolean {
    const wanted = typeof bytes === 'string' ? Buffer.from(bytes) : bytes
    if (this.#saying(path, () => this.#holds(path, wanted, options))) return false
    this.writeFileAtomic(path, wanted, options)
    return true
  }

  /** Whether `writeFileIfChanged` would leave the file alone. */
  holds(path: string, bytes: Uint8Array, options: WriteOptions): boolean {
    return this.#saying(path, () => this.#holds(path, bytes, options))
  }

  /** Whether its calls are the system's own: those of a test can't be made on other threads. */
  get isOfSystem(): boolean {
    return this.#fs === fs
  }

  /** Writes a file in a folder that nobody reads yet, and returns when it is on disk; its name is so once the folder is synced. */
  writeNew(path: string, bytes: Uint8Array | string, options: WriteOptions): void {
    this.#saying(path, () => this.#steps.writeNew(path, bytes, options))
  }

  /** The same, and nothing is synced. */
  writeUnsynced(path: string, bytes: Uint8Array | string, options: WriteOptions): void {
    this.#saying(path, () => this.#steps.writeNew(path, bytes, options, () => {}))
  }

  /**
   * Makes `path` a relative symbolic link to `target`, by one rename.
   *
   * @param within the state folder: a link that points into it may be turned, any other is somebody else's
   * @throws AuthorityError `PAIR_INVALID` when a file, or a link that points elsewhere, is in the way
   */
  link(path: string, target: string, { within }: { within: string }): void {
    this.#saying(path, () => {
      const text = relative(dirname(path), target)
      const found = this.#steps.linkText(path)
      if (found === text) return
      if (found !== undefined && !isInside(resolve(dirname(path), found), within))
        throw foreignLink(path, found, within)
      this.replaceLink(path, text, temporaryOf(path))
      this.syncFolder(dirname(path))
    })
  }

  /** The last step of `link`, unchecked and unsynced, for folders that are ours alone. */
  replaceLink(path: string, text: string, temporary: string): void {
    this.#saying(path, () => {
      this.#steps.orRemove(temporary, () => {
        this.#steps.makingRoom(temporary, () => this.#fs.symlinkSync(text, temporary))
        this.#fs.renameSync(temporary, path)
      })
    })
  }

  /**
   * Opens a regular file, to be read piece by piece.
   *
   * @returns undefined when there is none
   * @throws AuthorityError `DISK_FAILED` when it is longer than `maxBytes` or no regular file
   */
  openFile(path: string, { maxBytes }: { maxBytes: number }): OpenFile | undefined {
    return this.#saying(path, () => {
      const fd = this.#steps.openIfThere(path, O_RDONLY | O_NONBLOCK)
      if (fd === undefined) return undefined
      const close = () => this.#fs.closeSync(fd)
      try {
        const stat = this.#fs.fstatSync(fd)
        if (!stat.isFile()) throw notA('regular file', path)
        if (stat.size > maxBytes) throw tooLong(path, maxBytes)
        const read = (length: number) => this.#saying(path, () => this.#steps.readAll(fd, length))
        return { size: stat.size, read, close }
      } catch (error) {
        close()
        throw error
      }
    })
  }

  /**
   * Reads a whole regular file.
   *
   * @returns undefined when there is none
   * @throws AuthorityError `PERMISSIONS` when it is looser than `refuseLooserThan`; `DISK_FAILED` when it is longer than
   *   `maxBytes` or no regular file
   */
  readChecked(path: string, options: ReadOptions): Uint8Array | undefined {
    return this.#saying(path, () => {
      // Without O_NONBLOCK a named pipe in the place of the file would make us wait for ever.
      const fd = this.#steps.openIfThere(
        path,
        O_RDONLY | O_NONBLOCK | (options.followLinks === false ? O_NOFOLLOW : 0),
      )
      if (fd === undefined) return undefined
      try {
        const stat = this.#fs.fstatSync(fd)
        if (!stat.isFile()) throw notA('regular file', path)
        if (options.refuseLooserThan !== undefined) refuseLooser(path, stat.mode, options.refuseLooserThan)
        if (stat.size > options.maxBytes) throw tooLong(path, options.maxBytes)
        return this.#steps.readAll(fd, stat.size)
      } finally {
        this.#fs.closeSync(fd)
      }
    })
  }

  /**
   * For a file that another library opens by itself (SQLite): makes sure that it is there, 0600, in a folder 0700.
   * A file that is there is never opened: closing it would drop the POSIX locks this process holds on it.
   */
  makePrivateFile(path: string, { create }: { create: boolean }): void {
    this.#saying(path, () => {
      if (create) this.ensureFolder(dirname(path), 0o700)
      const stat = this.#steps.stat(path)
      if (stat === undefined && !create) throw missing(path)
      if (stat === undefined) {
        this.#steps.writeNew(path, '', { mode: 0o600 })
        this.syncFolder(dirname(path))
        return
      }
      if (!stat.isFile()) throw notA('regular file', path)
      refuseLooser(path, stat.mode, 0o600)
    })
  }

  /** The text of a symbolic link; undefined when nothing is there. */
  readLink(path: string): string | undefined {
    return this.#saying(path, () => this.#steps.linkText(path))
  }

  /** The names in a folder, sorted; none when it isn't there. */
  list(path: string): readonly string[] {
    return this.#saying(path, () => {
      try {
        return this.#fs.readdirSync(path).sort()
      } catch (error) {
        if (hasCode(error, 'ENOENT')) return []
        throw error
      }
    })
  }

  /** What lies at a path, links not followed. */
  kindOf(path: string): 'file' | 'folder' | 'link' | 'other' | undefined {
    const stat = this.#saying(path, () => this.#steps.stat(path))
    if (stat === undefined) return undefined
    if (stat.isFile()) return 'file'
    if (stat.isDirectory()) return 'folder'
    return stat.isSymbolicLink() ? 'link' : 'other'
  }

  /**
   * Changes whenever the file at a path does, or is another; undefined when there is none. Links are not followed. A change in
   * place to as many bytes, in the same tick of the system's clock (4 ms) as the one before, is not seen.
   */
  stampOf(path: string): string | undefined {
    const stat = this.#saying(path, () => this.#steps.stat(path))
    return stat && stampOf(stat)
  }

  /** The same for as long as it is the same file, whatever is written to it; undefined when there is none. Links are not followed. */
  identityOf(path: string): string | undefined {
    const stat = this.#saying(path, () => this.#steps.stat(path))
    return stat && `${stat.dev} ${stat.ino}`
  }

  rename(from: string, to: string): void {
    this.#saying(to, () => this.#fs.renameSync(from, to))
  }

  /** Removes a file or link, when there is one, and syncs the folder. */
  remove(path: string): void {
    this.#saying(path, () => {
      if (this.#steps.unlinkIfThere(path)) this.syncFolder(dirname(path))
    })
  }

  /** Removes a file or link, when there is one; a power cut may bring it back. */
  removeUnsynced(path: string): void {
    this.#saying(path, () => this.#steps.unlinkIfThere(path))
  }

  /**
   * Removes a folder and the files in it, or the file or link that lies in its place. Folders in it are not entered:
   * who owns it could put a link in their place at the wrong moment.
   */
  removeFolder(path: string): void {
    this.#saying(path, () => {
      const stat = this.#steps.stat(path)
      if (stat === undefined) return
      if (!stat.isDirectory()) {
        this.#fs.unlinkSync(path)
        return
      }
      for (const name of this.#fs.readdirSync(path)) this.#fs.unlinkSync(join(path, name))
      this.#fs.rmdirSync(path)
    })
  }

  /**
   * Removes whatever lies at a path in a folder that is ours alone. A folder in it is entered only once the one above that is ours
   * alone, too: until then who owns it could put a link in its place. What is mounted there is not entered.
   *
   * @throws AuthorityError `DISK_FAILED`, when some of it may be gone
   */
  removeTree(path: string): void {
    this.#saying(path, () => {
      const stat = this.#steps.stat(path)
      if (stat !== undefined) this.#removeTree(path, stat)
    })
  }

  /** Syncs a file that another library wrote, and its folder. */
  sync(path: string): void {
    this.#saying(path, () => {
      const fd = this.#fs.openSync(path, O_RDONLY)
      try {
        this.#fs.fsyncSync(fd)
      } finally {
        this.#fs.closeSync(fd)
      }
      this.syncFolder(dirname(path))
    })
  }

  syncFolder(path: string): void {
    this.#saying(path, () => this.#steps.withFolder(path, (fd) => this.#fs.fsyncSync(fd)))
  }

  /** Sets mode and owner of a folder that is ours; it is not synced. */
  dressFolder(path: string, mode: number, owner: Owner | undefined): void {
    this.#saying(path, () => this.#steps.withFolder(path, (fd) => this.#steps.dress(fd, path, mode, owner)))
  }

  /** The user this process acts as. */
  get self(): Owner {
    return { uid: this.#uid, gid: -1 }
  }

  /** Makes a folder ours alone, so that its former owner can't change what is in it any more. */
  takeFolder(path: string): void {
    this.dressFolder(path, 0o700, this.self)
    this.syncFolder(path)
  }

  /**
   * Gives a folder, and the files in it, from one user to another. It lies in a folder that is ours alone, but what is in it may be
   * whatever its owner has put there: what is not his own, or has a name elsewhere too, stays as it is.
   */
  giveFolder(path: string, { from, to }: { readonly from: number; readonly to: Owner }): void {
    this.#saying(path, () => {
      const found = this.#steps.stat(path)
      // A crash may have left it to us.
      if (!found?.isDirectory() || (found.uid !== from && !this.#isOurs(found))) return
      this.takeFolder(path)
      for (const name of this.#fs.readdirSync(path)) {
        const file = join(path, name)
        if (!this.#steps.stat(file)?.isFile()) continue
        this.#steps.withOpen(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, (fd) => {
          const { uid, nlink, mode } = this.#fs.fstatSync(fd)
          if (uid === from && nlink === 1) this.#steps.dress(fd, file, mode & 0o777, to)
        })
      }
      this.dressFolder(path, 0o700, to)
      this.syncFolder(path)
    })
  }

  /** Makes one folder, empty and 0700. */
  makeNewFolder(path: string): void {
    this.#saying(path, () => this.#fs.mkdirSync(path, { mode: 0o700 }))
  }

  #makeFolder(path: string, mode: number, owner: Owner | undefined): void {
    const above = dirname(path)
    if (this.#steps.stat(above) === undefined) this.#makeFolder(above, 0o755, undefined)
    this.#fs.mkdirSync(path, { mode: 0o700 })
    this.#steps.withFolder(path, (fd) => this.#steps.dress(fd, path, mode, owner))
    this.syncFolder(above)
  }

  #removeTree(path: string, stat: fs.Stats): void {
    if (!stat.isDirectory()) {
      this.#fs.unlinkSync(path)
      return
    }
    for (const name of this.#fs.readdirSync(path)) {
      if (!this.#unlinkUnlessFolder(join(path, name))) this.#removeWithin(path, name, stat.dev)
    }
    this.#fs.rmdirSync(path)
  }

  #unlinkUnlessFolder(path: string): boolean {
    try {
      this.#fs.unlinkSync(path)
      return true
    } catch (error) {
      // unlink(2) says EISDIR on Linux, and EPERM elsewhere.
      if (hasCode(error, 'EISDIR') || hasCode(error, 'EPERM')) return false
      throw error
    }
  }

  #removeWithin(folder: string, name: string, device: number): void {
    const path = join(folder, name)
    this.dressFolder(folder, 0o700, this.self)
    const stat = this.#steps.stat(path)
    if (stat === undefined) return
    if (stat.dev !== device) throw mountedThere(path)
    this.#removeTree(path, stat)
  }

  #holds(path: string, bytes: Uint8Array, { mode, owner }: WriteOptions): boolean {
    const stat = this.#steps.stat(path)
    if (!stat?.isFile() || stat.size !== bytes.length) return false
    if ((stat.mode & 0o777) !== mode || !isOwnedBy(stat, owner)) return false
    const stamp = stampOf(stat)
    const known = this.#held.get(path)
    if (known?.stamp === stamp) return Buffer.compare(known.bytes, bytes) === 0
    this.#held.delete(path)
    const found = this.readChecked(path, { maxBytes: bytes.length, followLinks: false })
    if (found === undefined || Buffer.compare(found, bytes) !== 0) return false
    this.#held.set(path, { stamp, bytes })
    return true
  }

  #isOurs(stat: fs.Stats): boolean {
    return stat.uid === 0 || stat.uid === this.#uid
  }

  #saying<T>(path: string, act: () => T): T {
    try {
      return act()
    } catch (error) {
      throw diskFailure(error, path)
    }
  }
}

function stampOf({ ino, size, ctimeMs, mode, uid }: fs.Stats): string {
  return `${ino} ${size} ${ctimeMs} ${mode} ${uid}`
}

function ended(begin: (told: fs.NoParamCallback) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    begin((error) => (error === null ? resolve() : reject(error)))
  })
}

/** Hidden, in the same folder, always the same: the next write of this path meets what a crash left behind. */
function temporaryOf(path: string): string {
  return join(dirname(path), `.${basename(path)}.new`)
}

function isPrivate(mode: number): boolean {
  return (mode & 0o077) === 0
}
