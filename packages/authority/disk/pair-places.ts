import { basename, join } from 'node:path'
import type { Disk } from './disk.ts'
import { stagingOf } from './instance-folder.ts'

/** Where the parts of an instance’s pairs lie. */
export interface PairPlaces {
  /** Absolute, of the instance. */
  readonly dir: string
  /** The link to the version in use. */
  readonly current: string
  /** The next version, on its way. */
  readonly made: string
  /** The next `current`, on its way. */
  readonly turned: string
  /** A version on its way out. */
  readonly retired: string
}

export function placesOf(dir: string): PairPlaces {
  const onItsWay = (what: string) => join(stagingOf(dir), `${basename(dir)}.${what}`)
  return {
    ...{ dir, current: currentOf(dir) },
    ...{ made: onItsWay('new'), turned: onItsWay('link'), retired: onItsWay('old') },
  }
}

/** The link to the version in use. */
export function currentOf(dir: string): string {
  return join(dir, 'current')
}

/** The two files of a version. */
export function filesIn(folder: string): [certificate: string, key: string] {
  return [join(folder, 'cert.pem'), join(folder, 'key.pem')]
}

const versionName = /^v([1-9][0-9]{0,8})$/

/** The number of a version, by the name of its folder; undefined where it is something else. */
export function versionOf(name: string): number | undefined {
  const digits = versionName.exec(name)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/** The numbers of the versions that there are. */
export function versionsIn(disk: Disk, dir: string): number[] {
  return disk
    .list(dir)
    .map(versionOf)
    .filter((version) => version !== undefined)
}

/** Changes whenever a version does, or is another: to look at far cheaper than to read it. @param folder where it lies */
export function stampOf(disk: Disk, version: string, folder: string): string {
  const [certificate, key] = filesIn(folder).map((path) => disk.stampOf(path))
  return `${version} ${certificate} ${key}`
}
