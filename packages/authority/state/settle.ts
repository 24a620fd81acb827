import { join } from 'node:path'
import { type Layout, layoutOf } from '@datapunk/protocol'
import type { Disk } from '../disk/disk.ts'

/** Where a restore prepares what is to become the authority's folder, and where that waits once it is whole. */
export interface RestorePlaces {
  /** A state folder in the making. */
  readonly staging: string
  readonly staged: Layout['authority']
  /** It is there only when it is whole. */
  readonly ready: string
}

export function restorePlaces({ state }: Pick<Layout, 'state'>): RestorePlaces {
  const staging = join(state, '.restoring')
  const { authority: staged } = layoutOf({ authority: { state: staging } })
  return { staging, staged, ready: join(state, '.restored') }
}

/**
 * The last step of a restore, and what is left to do of one that was killed before it: what is ready becomes the authority's
 * folder, if nothing is in its place any more.
 */
export function settleRestore(layout: Layout, disk: Disk): void {
  const { ready } = restorePlaces(layout)
  if (disk.kindOf(layout.authority.dir) !== undefined || disk.kindOf(ready) === undefined) return
  disk.rename(ready, layout.authority.dir)
  disk.syncFolder(layout.state)
}

/** What a restore that was killed earlier has left behind. */
export function clearStaging(layout: Layout, disk: Disk): void {
  const { staging, staged, ready } = restorePlaces(layout)
  for (const dir of [staged.dir, ready]) {
    disk.removeFolder(join(dir, 'keys'))
    disk.removeFolder(dir)
  }
  disk.removeFolder(staging)
}
