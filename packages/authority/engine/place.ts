import { dirname, resolve } from 'node:path'
import type { Disk } from '../disk/disk.ts'
import { type FolderOptions, giveMemory } from '../disk/instance-folder.ts'
import { NextKeyFile } from '../disk/next-key.ts'
import { PairFolder } from '../disk/pair.ts'
import { AuthorityError } from '../error.ts'
import type { Settings } from '../services/settings.ts'
import type { Engine } from './engine.ts'

type Place = Pick<Settings, 'cert' | 'key' | 'owner' | 'group' | 'mode'>

/** How a service wants its pair folder to be. */
export function folderOptions({ owners }: Pick<Engine, 'owners'>, settings: Place): FolderOptions {
  const owner = owners.find({ owner: settings.owner ?? undefined, group: settings.group ?? undefined })
  return { owner, keyMode: settings.mode }
}

type Files = Pick<Engine, 'disk' | 'layout'>

/** Makes `cert` and `key` of the config links to the pair in use. What is so already is left alone. */
export function linkFiles({ disk, layout }: Files, settings: Place, instance: string): void {
  for (const [path, target] of linksOf(layout, settings, instance)) {
    if (disk.kindOf(dirname(path)) === undefined) disk.ensureFolder(dirname(path), 0o755)
    disk.link(path, target, { within: layout.state })
  }
}

/** Whether `cert` and `key` of the config lead to the pair in use. */
export function areFilesLinked({ disk, layout }: Files, settings: Place, instance: string): boolean {
  return linksOf(layout, settings, instance).every(([path, target]) => {
    const text = linkText(disk, path)
    return text !== undefined && resolve(dirname(path), text) === target
  })
}

/** Undefined where there is no link, whatever else there is. */
function linkText(disk: Disk, path: string): string | undefined {
  try {
    return disk.readLink(path)
  } catch (error) {
    if (error instanceof AuthorityError && error.code === 'PAIR_INVALID') return undefined
    throw error
  }
}

/** Removes the links of a service, where they still are its own. @returns the paths removed */
export function unlinkFiles(
  { disk, layout }: Files,
  paths: readonly string[],
  instance: string,
): readonly string[] {
  const { current } = layout.instance(instance)
  const own = paths.filter((path) => {
    if (disk.kindOf(path) !== 'link') return false
    return dirname(resolve(dirname(path), disk.readLink(path) ?? '')) === current
  })
  for (const path of own) disk.remove(path)
  return own
}

/** After a change of paths, owner or mode: the same pair, where and how the settings now want it. */
export function movePair(engine: Engine, before: Settings, after: Settings, instance: string): void {
  const folder = new PairFolder(engine.layout.instance(instance).dir, engine.disk)
  const pair = folder.read()
  if (pair === undefined) return
  if (before.owner !== after.owner || before.group !== after.group || before.mode !== after.mode) {
    const to = folderOptions(engine, after)
    folder.swap(pair, { ...to, keyModeBefore: before.mode })
    const from = formerOptions(engine, before)
    if (from !== undefined) giveMemory(engine.disk, engine.layout.instance(instance), { from, to })
    // Whoever owned it may have read it; another one is made, and made known.
    new NextKeyFile(engine.layout.instance(instance).dir, engine.disk).remove()
  }
  linkFiles(engine, after, instance)
  const left = [before.cert, before.key].filter((path) => path !== after.cert && path !== after.key)
  unlinkFiles(engine, left, instance)
}

/** Undefined where this system does not know that user or group any more. */
function formerOptions(engine: Pick<Engine, 'owners'>, before: Place): FolderOptions | undefined {
  try {
    return folderOptions(engine, before)
  } catch (error) {
    if (error instanceof AuthorityError && error.code === 'OWNER_UNKNOWN') return undefined
    throw error
  }
}

/** Paths that are those of the pair itself need no link. */
function linksOf(layout: Engine['layout'], { cert, key }: Place, instance: string) {
  const pair = layout.instance(instance)
  const links = [
    [cert, pair.cert],
    [key, pair.key],
  ] as const
  return links.filter(([path, target]) => path !== target)
}
