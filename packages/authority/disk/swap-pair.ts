import { join } from 'node:path'
import type { Disk } from './disk.ts'
import type { InstanceFolder } from './instance-folder.ts'
import { filesIn, type PairPlaces, placesOf, stampOf, versionOf, versionsIn } from './pair-places.ts'

/** What is to be swapped in, where, and whose it is. Nothing but data, so that a thread can be told to do it. */
export interface SwapOrder extends InstanceFolder {
  /** Absolute; the folder is there, and so is the one where things are made for it. */
  readonly dir: string
  readonly certificatePem: string
  readonly keyPem: string
  /** Permission bits of the key. */
  readonly keyMode: number
}

export interface Swapped {
  readonly version: number
  /** As `stampOf` gives it, of this version. */
  readonly stamp: string
}

/**
 * Makes a pair the current one, and returns when it is on disk; see `PairFolder`. When it throws before `current` was turned, the
 * old pair serves on.
 *
 * @throws AuthorityError `PERMISSIONS`; `DISK_FAILED`
 */
export function swapPair(disk: Disk, order: SwapOrder): Swapped {
  const places = placesOf(order.dir)
  const { dir, current, made, turned, retired } = places
  // 1 Room: a crash may have left something. What its service has made of a version on its way out keeps no new one from coming.
  for (const leftover of [made, turned]) disk.removeFolder(leftover)
  quietly(() => disk.removeTree(retired))
  const versions = versionsIn(disk, dir)
  const previous = versionOf(disk.readLink(current) ?? '')
  const version = versions.reduce((newest, one) => Math.max(newest, one), previous ?? 0) + 1
  let stamp: string
  try {
    // 2 The pair, whole and on disk, where nobody looks.
    make(disk, made, order)
    stamp = stampOf(disk, `v${version}`, made)
    // 3 Moved in, under a number that never was; on disk before anything points to it.
    disk.rename(made, join(dir, `v${version}`))
    disk.syncFolder(dir)
    // 4 From here on it serves.
    disk.replaceLink(current, `v${version}`, turned)
  } catch (error) {
    quietly(() => discard(disk, places, version))
    throw error
  }
  disk.syncFolder(dir)
  // 5 What fails to go now goes at the next swap.
  const old = versions.filter((one) => one !== previous)
  quietly(() => {
    for (const one of old) retire(disk, places, one)
  })
  return { version, stamp }
}

function make(disk: Disk, made: string, { certificatePem, keyPem, owner, mode, keyMode }: SwapOrder): void {
  const [certificate, key] = filesIn(made)
  disk.makeNewFolder(made)
  disk.writeNew(certificate, certificatePem, { mode: 0o644, owner })
  disk.writeNew(key, keyPem, { mode: keyMode, owner })
  disk.dressFolder(made, mode, owner)
  disk.syncFolder(made)
}

/** Takes an unfinished swap back; never what `current` points to. */
function discard(disk: Disk, places: PairPlaces, version: number): void {
  disk.removeFolder(places.made)
  const turned = disk.readLink(places.current) === `v${version}`
  if (!turned && versionsIn(disk, places.dir).includes(version)) retire(disk, places, version)
}

function retire(disk: Disk, { dir, retired }: PairPlaces, version: number): void {
  disk.rename(join(dir, `v${version}`), retired)
  disk.removeTree(retired)
}

function quietly(act: () => void): void {
  try {
    act()
  } catch {}
}
