import { PairFolder } from '../disk/pair.ts'
import type { Engine } from '../engine/engine.ts'
import { unlinkFiles } from '../engine/place.ts'
import { decodeSettings } from '../services/settings.ts'

/**
 * Removes the files of services that are no longer members. That they go is on record before they do: a crash in between leaves
 * what is still there to the next purge.
 *
 * @returns the paths removed
 */
export async function purge(engine: Engine): Promise<string[]> {
  const { store, disk, layout, report, clock } = engine
  const services = new Map(store.services().map((row) => [row.service, row]))
  const left = store.instances().flatMap(({ id, service }) => {
    const row = services.get(service)
    if (row?.state !== 'removed') return []
    const { cert, key } = decodeSettings(row.settings)
    return [{ service, instance: id, dir: layout.instance(id).dir, links: [cert, key] }]
  })
  await recordPurged(
    engine,
    left.filter(({ dir }) => disk.kindOf(dir) !== undefined),
  )
  const removed: string[] = []
  for (const { service, instance, dir, links } of left) {
    removed.push(...unlinkFiles({ disk, layout }, links, instance))
    if (!new PairFolder(dir, disk).purge()) continue
    removed.push(dir)
    report({ kind: 'files-purged', subject: service, at: clock(), detail: { dir } })
  }
  return removed
}

async function recordPurged(
  { store, clock, actor }: Engine,
  going: readonly { readonly service: string; readonly instance: string; readonly dir: string }[],
): Promise<void> {
  if (going.length === 0) return
  const at = clock()
  await store.write((transaction) => {
    for (const { service, instance, dir } of going)
      transaction.addAudit({ at, actor, deed: 'files-purged', entry: { service, instance, dir } })
  })
}
