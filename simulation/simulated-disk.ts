import { constants, type Stats } from 'node:fs'
import type { DiskCalls } from '../packages/authority/disk/disk-steps.ts'
import type { Draw } from './draw.ts'

/** What a process that lost its power sees: this call is not made, and no later one either. */
export class PowerCut extends Error {
  override readonly name = 'PowerCut'
}

interface Meta {
  readonly ino: number
  mode: number
  uid: number
  gid: number
  changed: number
}
interface File extends Meta {
  readonly kind: 'file'
  bytes: Buffer
  /** What a power cut leaves. */
  synced: Buffer
}
interface Link extends Meta {
  readonly kind: 'link'
  readonly text: string
}
interface Folder extends Meta {
  readonly kind: 'folder'
  names: Map<string, Node>
  synced: Map<string, Node>
}
type Node = File | Link | Folder

/** A name in a folder, whether or not there is something under it. */
interface Place {
  readonly folder: Folder
  readonly name: string
  /** To the folder, without a link. */
  readonly way: string
}

/** One step of the file system's journal: whole or not at all. */
interface Entry {
  readonly changes: readonly (readonly [folder: Folder, name: string, node: Node | undefined])[]
}

/** A folder that is in no file system. */
export interface FolderCopy {
  readonly folder: Folder
}

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW } = constants
const MAX_LINKS = 40

/**
 * A file system in memory, for one machine. What was not synced may be lost when the power is cut: names in the order in
 * which they were made or moved, the last ones first; the bytes of a file by themselves.
 */
export class SimulatedDisk {
  readonly calls: DiskCalls
  /** Whether the system refuses to write, and with what. */
  full: 'ENOSPC' | 'EROFS' | 'EIO' | undefined
  /** How often that has changed which `read`, `identityOf` and `list` tell. */
  changes = 0
  readonly #draw: Draw
  /** Holds the root, under no name. */
  readonly #top: Folder
  #inodes = 0
  #journal: Entry[] = []
  #open = new Map<number, { node: Node; at: number }>()
  #descriptors = 2
  #callsLeft = Number.POSITIVE_INFINITY
  /** Where paths end, until a name of a folder or a link changes. */
  readonly #places = new Map<string, Place>()

  constructor(draw: Draw) {
    this.#draw = draw
    this.#top = this.#newFolder(0o755)
    commit({ changes: [[this.#top, '', this.#newFolder(0o755)]] })
    this.#top.names = new Map(this.#top.synced)
    this.calls = this.#makeCalls()
  }

  /** The power goes before the call after so many. */
  cutAfter(calls: number): void {
    this.#callsLeft = calls
  }

  get isCut(): boolean {
    return this.#callsLeft < 0
  }

  /** Whoever died at a call is started again. @param powerWasOut whether the machine went with it, and what was not synced */
  restart(powerWasOut: boolean): void {
    this.#open = new Map()
    this.#callsLeft = Number.POSITIVE_INFINITY
    if (!powerWasOut) return
    this.changes++
    this.#places.clear()
    const kept = this.#draw.whole(0, this.#journal.length)
    for (const entry of this.#journal.slice(0, kept)) commit(entry)
    this.#journal = []
    this.#forget(this.#top)
  }

  /** What a process on this machine reads, links followed; undefined where there is nothing. */
  read(path: string): Buffer | undefined {
    try {
      const node = this.#resolve(path, true)
      return node?.kind === 'file' ? node.bytes : undefined
    } catch {
      return undefined
    }
  }

  /** The file that a path leads to, as a name of its own for every version of it. */
  identityOf(path: string): string | undefined {
    const node = this.#resolve(path, true)
    return node === undefined ? undefined : `${node.ino}.${node.changed}`
  }

  list(path: string): string[] {
    const node = this.#resolve(path, true)
    return node?.kind === 'folder' ? [...node.names.keys()] : []
  }

  /** A folder and all that is in it, as it is now. */
  copyOf(path: string): FolderCopy {
    const node = this.#resolve(path, true)
    if (node?.kind !== 'folder') throw refusal('ENOTDIR', 'copy', path)
    return { folder: this.#copy(node) }
  }

  /** Puts a copy in the place of what is there, on disk at once. It can be put back again. */
  putBack(path: string, { folder }: FolderCopy): void {
    const [above, name] = this.#parent(path, 'copy')
    const copy = this.#copy(folder)
    for (const names of [above.names, above.synced]) names.set(name, copy)
    this.#places.clear()
    this.changes++
  }

  #copy(folder: Folder): Folder {
    const copy = { ...this.#newFolder(folder.mode), uid: folder.uid, gid: folder.gid }
    for (const [name, node] of folder.names) {
      const { ino, changed } = this.#newMeta(node.mode)
      const same = node.kind === 'file' ? { ...node, synced: node.bytes } : node
      copy.names.set(name, node.kind === 'folder' ? this.#copy(node) : { ...same, ino, changed })
    }
    copy.synced = new Map(copy.names)
    return copy
  }

  #forget(folder: Folder): void {
    folder.names = new Map(folder.synced)
    for (const node of folder.names.values()) {
      if (node.kind === 'folder') this.#forget(node)
      else if (node.kind === 'file' && node.bytes !== node.synced) node.bytes = node.synced = this.#torn(node)
    }
  }

  #torn({ bytes, synced }: File): Buffer {
    const written = bytes.subarray(0, this.#draw.whole(0, bytes.length))
    return this.#draw.one([synced, Buffer.alloc(0), written, bytes])
  }

  /** One call to the system. @param writes whether a full disk refuses it */
  #step(syscall: string, path: string, writes: boolean): void {
    if (--this.#callsLeft < 0) {
      this.#callsLeft = -1
      throw new PowerCut(`the power was cut before ${syscall} ${path}`)
    }
    if (writes && this.full !== undefined) throw refusal(this.full, syscall, path)
  }

  #newMeta(mode: number): Meta {
    return { ino: ++this.#inodes, mode, uid: 0, gid: 0, changed: this.#inodes }
  }

  #newFolder(mode: number): Folder {
    return { kind: 'folder', ...this.#newMeta(mode), names: new Map(), synced: new Map() }
  }

  #record(...changes: Entry['changes']): void {
    this.changes++
    for (const [folder, name, node] of changes) {
      if (isOnTheWay(node) || isOnTheWay(folder.names.get(name))) this.#places.clear()
      set(folder.names, name, node)
    }
    this.#journal.push({ changes })
  }

  /** Commits what was done to this folder, and all that came before it in the folders that it touched. */
  #sync(folder: Folder): void {
    const folders = new Set([folder])
    const due: Entry[] = []
    const rest: Entry[] = []
    for (const entry of this.#journal.toReversed()) {
      if (!entry.changes.some(([touched]) => folders.has(touched))) rest.push(entry)
      else {
        due.push(entry)
        for (const [touched] of entry.changes) folders.add(touched)
      }
    }
    for (const entry of due.reverse()) commit(entry)
    this.#journal = rest.reverse()
  }

  #resolve(path: string, follow: boolean): Node | undefined {
    const place = follow ? this.#endOf(path, 0) : this.#placeOf(path, 0)
    return place?.folder.names.get(place.name)
  }

  #endOf(path: string, links: number): Place | undefined {
    const place = this.#placeOf(path, links)
    const node = place?.folder.names.get(place.name)
    if (node?.kind !== 'link') return place
    if (links === MAX_LINKS) throw refusal('ELOOP', 'open', path)
    return this.#endOf(node.text.startsWith('/') ? node.text : `${place!.way}/${node.text}`, links + 1)
  }

  #placeOf(path: string, links: number): Place | undefined {
    if (path === '') return { folder: this.#top, name: '', way: '' }
    const known = this.#places.get(path)
    if (known !== undefined) return known
    const slash = path.lastIndexOf('/')
    const name = path.slice(slash + 1)
    const above = this.#endOf(path.slice(0, slash), links)
    const folder = above?.folder.names.get(above.name)
    if (above === undefined || folder === undefined) return undefined
    if (folder.kind !== 'folder') throw refusal('ENOTDIR', 'open', path)
    if (name === '' || name === '.') return above
    if (name === '..') return this.#placeOf(above.way, links)
    const place = { folder, name, way: above.name === '' ? '' : `${above.way}/${above.name}` }
    this.#places.set(path, place)
    return place
  }

  #parent(path: string, syscall: string): [Folder, string] {
    const slash = path.lastIndexOf('/')
    const folder = this.#resolve(path.slice(0, slash), true)
    if (folder === undefined) throw refusal('ENOENT', syscall, path)
    if (folder.kind !== 'folder') throw refusal('ENOTDIR', syscall, path)
    return [folder, path.slice(slash + 1)]
  }

  #fd(fd: number, syscall: string): { node: Node; at: number } {
    const open = this.#open.get(fd)
    if (open === undefined) throw refusal('EBADF', syscall, String(fd))
    return open
  }

  #makeCalls(): DiskCalls {
    const there = (path: string, syscall: string): Node => {
      const node = this.#resolve(path, false)
      if (node === undefined) throw refusal('ENOENT', syscall, path)
      return node
    }
    const unlinkSync = (path: string) => {
      this.#step('unlink', path, false)
      if (there(path, 'unlink').kind === 'folder') throw refusal('EISDIR', 'unlink', path)
      const [folder, name] = this.#parent(path, 'unlink')
      this.#record([folder, name, undefined])
    }
    const rmdirSync = (path: string) => {
      this.#step('rmdir', path, false)
      const node = there(path, 'rmdir')
      if (node.kind !== 'folder') throw refusal('ENOTDIR', 'rmdir', path)
      if (node.names.size > 0) throw refusal('ENOTEMPTY', 'rmdir', path)
      const [folder, name] = this.#parent(path, 'rmdir')
      this.#record([folder, name, undefined])
    }
    const change = (node: Node) => {
      node.changed = ++this.#inodes
      this.changes++
    }
    const fsyncSync = (fd: number) => {
      this.#step('fsync', String(fd), this.full === 'EIO')
      const { node } = this.#fd(fd, 'fsync')
      if (node.kind === 'folder') this.#sync(node)
      else if (node.kind === 'file') node.synced = node.bytes
    }
    const later = (call: (path: never) => void) => (path: unknown, told: (error: Error | null) => void) => {
      let error: Error | null = null
      try {
        call(path as never)
      } catch (cause) {
        error = cause as Error
      }
      queueMicrotask(() => told(error))
    }
    const calls = {
      lstatSync: (path: string, options?: { throwIfNoEntry?: boolean }) => {
        this.#step('lstat', path, false)
        const node = this.#resolve(path, false)
        if (node !== undefined) return statsOf(node)
        if (options?.throwIfNoEntry === false) return undefined
        throw refusal('ENOENT', 'lstat', path)
      },
      fstatSync: (fd: number) => {
        this.#step('fstat', String(fd), false)
        return statsOf(this.#fd(fd, 'fstat').node)
      },
      openSync: (path: string, flags: number, mode = 0o666) => {
        const creates = (flags & O_CREAT) !== 0
        this.#step('open', path, creates)
        let node = this.#resolve(path, (flags & O_NOFOLLOW) === 0)
        if (node !== undefined && creates && (flags & O_EXCL) !== 0) throw refusal('EEXIST', 'open', path)
        if (node === undefined) {
          if (!creates) throw refusal('ENOENT', 'open', path)
          const [folder, name] = this.#parent(path, 'open')
          const empty = Buffer.alloc(0)
          node = { kind: 'file', ...this.#newMeta(mode), bytes: empty, synced: empty }
          this.#record([folder, name, node])
        }
        if (node.kind === 'link') throw refusal('ELOOP', 'open', path)
        if ((flags & O_DIRECTORY) !== 0 && node.kind !== 'folder') throw refusal('ENOTDIR', 'open', path)
        const fd = ++this.#descriptors
        this.#open.set(fd, { node, at: 0 })
        return fd
      },
      closeSync: (fd: number) => {
        this.#open.delete(fd)
        this.#step('close', String(fd), false)
      },
      fchmodSync: (fd: number, mode: number) => {
        this.#step('fchmod', String(fd), true)
        const { node } = this.#fd(fd, 'fchmod')
        node.mode = mode
        change(node)
      },
      fchownSync: (fd: number, uid: number, gid: number) => {
        this.#step('fchown', String(fd), true)
        const { node } = this.#fd(fd, 'fchown')
        if (uid !== -1) node.uid = uid
        if (gid !== -1) node.gid = gid
        change(node)
      },
      readSync: (fd: number, buffer: Uint8Array, offset: number, length: number) => {
        this.#step('read', String(fd), false)
        const open = this.#fd(fd, 'read')
        if (open.node.kind !== 'file') throw refusal('EISDIR', 'read', String(fd))
        const bytes = open.node.bytes.subarray(open.at, open.at + length)
        buffer.set(bytes, offset)
        open.at += bytes.length
        return bytes.length
      },
      writeSync: (fd: number, bytes: Uint8Array, offset = 0, length = bytes.length - offset) => {
        this.#step('write', String(fd), true)
        const { node } = this.#fd(fd, 'write')
        if (node.kind !== 'file') throw refusal('EISDIR', 'write', String(fd))
        // A file is only ever written from its beginning to its end.
        node.bytes = Buffer.concat([node.bytes, bytes.subarray(offset, offset + length)])
        change(node)
        return length
      },
      mkdirSync: (path: string, options?: { mode?: number }) => {
        this.#step('mkdir', path, true)
        const [folder, name] = this.#parent(path, 'mkdir')
        if (folder.names.has(name)) throw refusal('EEXIST', 'mkdir', path)
        this.#record([folder, name, this.#newFolder(options?.mode ?? 0o777)])
        return undefined
      },
      readdirSync: (path: string) => {
        this.#step('readdir', path, false)
        const node = there(path, 'readdir')
        if (node.kind !== 'folder') throw refusal('ENOTDIR', 'readdir', path)
        return [...node.names.keys()]
      },
      readlinkSync: (path: string) => {
        this.#step('readlink', path, false)
        const node = there(path, 'readlink')
        if (node.kind !== 'link') throw refusal('EINVAL', 'readlink', path)
        return node.text
      },
      symlinkSync: (text: string, path: string) => {
        this.#step('symlink', path, true)
        const [folder, name] = this.#parent(path, 'symlink')
        if (folder.names.has(name)) throw refusal('EEXIST', 'symlink', path)
        this.#record([folder, name, { kind: 'link', ...this.#newMeta(0o777), text }])
      },
      renameSync: (from: string, to: string) => {
        this.#step('rename', to, true)
        const node = there(from, 'rename')
        const [before, oldName] = this.#parent(from, 'rename')
        const [after, newName] = this.#parent(to, 'rename')
        const replaced = after.names.get(newName)
        if (replaced?.kind === 'folder' && (node.kind !== 'folder' || replaced.names.size > 0))
          throw refusal(node.kind === 'folder' ? 'ENOTEMPTY' : 'EISDIR', 'rename', to)
        this.#record([before, oldName, undefined], [after, newName, node])
      },
      unlinkSync,
      rmdirSync,
      fsyncSync,
      unlink: later(unlinkSync),
      rmdir: later(rmdirSync),
      fsync: later(fsyncSync),
    }
    return calls as unknown as DiskCalls
  }
}

/** Whether paths of others may lead over it. */
function isOnTheWay(node: Node | undefined): boolean {
  return node !== undefined && node.kind !== 'file'
}

function set(names: Map<string, Node>, name: string, node: Node | undefined): void {
  if (node === undefined) names.delete(name)
  else names.set(name, node)
}

function commit({ changes }: Entry): void {
  for (const [folder, name, node] of changes) set(folder.synced, name, node)
}

function refusal(code: string, syscall: string, path: string): Error {
  return Object.assign(new Error(`${code}: refused, ${syscall} '${path}'`), { code, syscall, path })
}

class NodeStats {
  readonly #node: Node
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly ino: number
  readonly size: number
  readonly mtimeMs: number
  readonly ctimeMs: number

  constructor(node: Node) {
    this.#node = node
    this.mode = node.mode
    this.uid = node.uid
    this.gid = node.gid
    this.ino = node.ino
    this.size = node.kind === 'file' ? node.bytes.length : 0
    this.mtimeMs = node.changed
    this.ctimeMs = node.changed
  }

  isFile(): boolean {
    return this.#node.kind === 'file'
  }

  isDirectory(): boolean {
    return this.#node.kind === 'folder'
  }

  isSymbolicLink(): boolean {
    return this.#node.kind === 'link'
  }
}

function statsOf(node: Node): Stats {
  return new NodeStats(node) as unknown as Stats
}
