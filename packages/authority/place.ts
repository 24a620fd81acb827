import { dirname } from 'node:path'
import type { SwapOptions } from './disk/pair.ts'
import { PairFolder } from './disk/pair.ts'
import type { Engine } from './engine.ts'
import type { Settings } from './settings.ts'

type Place = Pick<Settings, 'cert' | 'key' | 'owner' | 'group' | 'mode'>

/** How a service wants its pair folder to be. */
export function swapOptions({ owners }: Pick<Engine, 'owners'>, settings: Place): SwapOptions {
  const owner = owners.find({ owner: settings.owner ?? undefined, group: settings.group ?? undefined })
  return { owner, keyMode: settings.mode }
}

/** Makes `cert` and `key` of the config links to the pair in use. */
export function linkFiles(
  { disk, layout }: Pick<Engine, 'disk' | 'layout'>,
  settings: Place,
  instance: string,
): void {
  const { cert, key } = layout.instance(instance)
  for (const [path, target] of [
    [settings.cert, cert],
    [settings.key, key],
  ] as const) {
    if (disk.kindOf(dirname(path)) === undefined) disk.ensureFolder(dirname(path), 0o755)
    disk.link(path, target, { within: layout.state })
  }
}

/** Removes the links of a service, where they still are its own. @returns the paths removed */
export function unlinkFiles(
  { disk, layout }: Pick<Engine, 'disk' | 'layout'>,
  settings: Pick<Place, 'cert' | 'key'>,
  instance: string,
): string[] {
  const removed: string[] = []
  for (const path of [settings.cert, settings.key]) {
    if (disk.kindOf(path) !== 'link') continue
    const target = disk.readLink(path) ?? ''
    if (
      !target.includes(`/instances/${instance}/current/`) &&
      !target.startsWith(layout.instance(instance).dir)
    )
      continue
    disk.remove(path)
    removed.push(path)
  }
  return removed
}

/** After a change of paths, owner or mode: the same pair, where and how the settings now want it. */
export function movePair(engine: Engine, before: Settings, after: Settings, instance: string): void {
  const folder = new PairFolder(engine.layout.instance(instance).dir, engine.disk)
  const pair = folder.read()
  if (pair === undefined) return
  if (before.cert !== after.cert || before.key !== after.key) unlinkFiles(engine, before, instance)
  if (before.owner !== after.owner || before.group !== after.group || before.mode !== after.mode) {
    folder.swap(pair, swapOptions(engine, after))
  }
  linkFiles(engine, after, instance)
}
