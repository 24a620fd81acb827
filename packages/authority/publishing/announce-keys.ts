import type { Engine } from '../engine/engine.ts'
import { makeNextKeys, type SeenKeys, withoutNextKey } from '../pinning/make-next-keys.ts'
import { pinningWanted } from '../pinning/pin-mode.ts'
import type { Transaction } from '../store/contract.ts'
import { isBundleCurrent, publish } from './publish.ts'

/**
 * Sees that every instance has a next key, and that peers are told of it.
 *
 * @param seen as `withoutNextKey` takes it
 * @returns for whom it could not be made
 */
export async function announceKeys(engine: Engine, seen?: SeenKeys): Promise<ReadonlyMap<string, Error>> {
  await forgetWhereOff(engine)
  const holders = withoutNextKey(engine, { seen })
  const failed = await makeNextKeys(engine, holders)
  // No bundle names a key that was made just now: there is no need to look.
  const isMade = failed.size < holders.length
  if (engine.store.bundle() !== undefined && (isMade || !isBundleCurrent(engine))) await publish(engine)
  return failed
}

/** What is pinned no more was announced in vain: should pinning come back, other keys are made. */
export async function forgetWhereOff(engine: Engine): Promise<void> {
  const { store, clock, actor } = engine
  const rows = pinningWanted(engine) === 'off' ? store.nextKeys() : []
  const instances = rows.map(({ instance }) => instance)
  if (instances.length === 0) return
  await store.write((transaction) => forgetNextKeys(transaction, instances, { at: clock(), actor }))
}

/**
 * Next keys that nobody is to use: they lie where keys lie that were stolen, or nobody pins keys any more. From the next bundle
 * on they are pinned no more; their files are never read again.
 *
 * @param of instances whose next keys these are
 */
export function forgetNextKeys(
  transaction: Transaction,
  of: readonly string[],
  { at, actor }: { readonly at: number; readonly actor: string },
): void {
  const instances = new Set(of)
  for (const { instance, spkiHash } of transaction.nextKeys()) {
    if (!instances.has(instance)) continue
    transaction.forgetNextKey(instance)
    transaction.addAudit({ at, actor, deed: 'next-key-discarded', entry: { instance, spkiHash } })
  }
}
