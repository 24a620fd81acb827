import { PairFolder } from './disk/pair.ts'
import type { Engine } from './engine.ts'
import { unlinkFiles } from './place.ts'
import { decodeSettings } from './services/settings.ts'

/** Removes the files of services that are no longer members. @returns the paths removed */
export function purge({ store, disk, layout, report, clock }: Engine): string[] {
  const removed: string[] = []
  const gone = new Map(
    store.services().flatMap((row) => (row.state === 'removed' ? [[row.service, row]] : [])),
  )
  for (const { id, service } of store.instances()) {
    const row = gone.get(service)
    const { dir } = layout.instance(id)
    if (row === undefined) continue
    const { cert, key } = decodeSettings(row.settings)
    removed.push(...unlinkFiles({ disk, layout }, [cert, key], id))
    if (!new PairFolder(dir, disk).purge()) continue
    removed.push(dir)
    report({ kind: 'files-purged', subject: service, at: clock(), detail: { dir } })
  }
  return removed
}
