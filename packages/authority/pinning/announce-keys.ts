import { NextKeyFile } from '../disk/next-key.ts'
import type { Engine } from '../engine.ts'
import { isBundleCurrent, publish } from '../publish.ts'
import type { ServiceRow } from '../store/contract.ts'
import { makeNextKeys, withoutNextKey } from './make-next-keys.ts'

/** Sees that every instance has a next key, and that peers are told of it. @returns for whom it could not be made */
export async function announceKeys(engine: Engine): Promise<ReadonlyMap<string, Error>> {
  await forgetWhereOff(engine)
  const failed = await makeNextKeys(engine, withoutNextKey(engine))
  if (engine.store.bundle() !== undefined && !isBundleCurrent(engine)) await publish(engine)
  return failed
}

/** What is pinned no more was announced in vain: should pinning come back, other keys are made. */
export async function forgetWhereOff(engine: Engine): Promise<void> {
  const { config, store } = engine
  if (config.pinning === 'off')
    await discardNextKeys(engine, new Set(store.nextKeys().map(({ instance }) => instance)))
}

/**
 * Next keys that nobody is to use: they lie where the keys lie that were stolen, or nobody pins keys any more. From the next
 * bundle on they are pinned no more.
 */
export async function discardNextKeys(engine: Engine, instances: ReadonlySet<string>): Promise<void> {
  const { store, disk, layout, clock, actor } = engine
  const at = clock()
  const rows = store.nextKeys().filter(({ instance }) => instances.has(instance))
  if (rows.length === 0) return
  await store.write((transaction) => {
    for (const { instance, spkiHash } of rows) {
      transaction.forgetNextKey(instance)
      transaction.addAudit({ at, actor, deed: 'next-key-discarded', entry: { instance, spkiHash } })
    }
  })
  for (const { instance } of rows) new NextKeyFile(layout.instance(instance).dir, disk).remove()
}

/** The instances of services. */
export function instancesOf({ store }: Pick<Engine, 'store'>, services: readonly ServiceRow[]): Set<string> {
  const names = new Set(services.map(({ service }) => service))
  return new Set(store.instances().flatMap(({ id, service }) => (names.has(service) ? [id] : [])))
}
