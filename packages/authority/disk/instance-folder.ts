import { dirname, join } from 'node:path'
import type { Disk } from './disk.ts'
import type { Owner } from './numeric-owner.ts'

/** How a service wants the folder of an instance, and what lies in it, to be. */
export interface FolderOptions {
  readonly owner?: Owner | undefined
  /** Permission bits of the key: 0600, or 0640 when a group reads it. */
  readonly keyMode: number
}

export interface InstanceFolder {
  readonly owner: Owner
  /** Permission bits of the folder. */
  readonly mode: number
}

/** Where the authority makes what it then moves into the folder of an instance: nobody else enters it. */
export function stagingOf(dir: string): string {
  return join(dirname(dir), '.staging')
}

/** Sees that the folder of an instance is there, for its owner, and the one where things are made for it. */
export function ensureInstanceFolder(disk: Disk, dir: string, options: FolderOptions): InstanceFolder {
  const owner = ownerOf(disk, options)
  const mode = (options.keyMode & 0o070) === 0 ? 0o700 : 0o750
  disk.ensureFolder(dirname(dir), 0o755)
  disk.ensureFolder(stagingOf(dir), 0o700)
  disk.ensureFolder(dir, mode, owner)
  return { owner, mode }
}

/** A folder that had an owner falls back to us when it has none any more. */
function ownerOf({ self }: Disk, { owner }: FolderOptions): Owner {
  const { uid, gid } = owner ?? self
  return { uid: uid === -1 ? self.uid : uid, gid }
}
