import { dirname, join } from 'node:path'
import type { Disk } from './disk.ts'
import type { Owner } from './numeric-owner.ts'

/** How a service wants the folder of an instance, and what lies in it, to be. */
export interface FolderOptions {
  readonly owner?: Owner | undefined
  /** Permission bits of the key: 0600, or 0640 when a group reads it. */
  readonly keyMode: number
  /** Those that it was given until now, where that is about to change: what they allowed is taken away, not refused. */
  readonly keyModeBefore?: number
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
  const mode = modeFor(options.keyMode)
  disk.ensureFolder(dirname(dir), 0o755)
  disk.ensureFolder(stagingOf(dir), 0o700)
  disk.ensureFolder(dir, mode, owner, modeFor(options.keyModeBefore ?? options.keyMode))
  return { owner, mode }
}

/** What the service keeps there itself goes with the folder to its next owner, who would be locked out of it otherwise. */
export function giveMemory(
  disk: Disk,
  { dir, memory }: { readonly dir: string; readonly memory: string },
  { from, to }: { readonly from: FolderOptions; readonly to: FolderOptions },
): void {
  const [before, owner] = [ownerOf(disk, from), ownerOf(disk, to)]
  if (before.uid === owner.uid || disk.kindOf(memory) !== 'folder') return
  // Ours alone meanwhile, so that neither of the two puts anything in its place.
  disk.takeFolder(dir)
  try {
    disk.giveFolder(memory, { from: before.uid, to: owner })
  } finally {
    disk.dressFolder(dir, modeFor(to.keyMode), owner)
    disk.syncFolder(dir)
  }
}

function modeFor(keyMode: number): number {
  return (keyMode & 0o070) === 0 ? 0o700 : 0o750
}

/** A folder that had an owner falls back to us when it has none any more. */
function ownerOf({ self }: Disk, { owner }: FolderOptions): Owner {
  const { uid, gid } = owner ?? self
  return { uid: uid === -1 ? self.uid : uid, gid }
}
