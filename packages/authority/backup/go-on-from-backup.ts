import type { Layout } from '@datapunk/protocol'
import type { Engine } from '../engine/engine.ts'
import { activeSlot } from '../engine/slots.ts'
import type { NextGeneration } from '../events/next-generation.ts'
import { checkWhole } from '../state/check-state.ts'
import { publishedAhead } from '../state/published-ahead.ts'
import { beginGeneration } from './begin-generation.ts'
import { revokedAhead } from './revoked-ahead.ts'

/** An inventory and its keys as a backup had them. */
export type FromBackup = Pick<Engine, 'config' | 'disk' | 'layout' | 'store' | 'keys' | 'clock' | 'actor'> & {
  /** Where they lie, before they take the place of those that were lost. */
  readonly staged: Layout['authority']
}

export interface BackedUp {
  /** The moment that the backup shows, milliseconds since the epoch. */
  readonly madeAt: number
  /** The generation of what was found in its place; 0 where that can't be told. */
  readonly seen: number
}

/**
 * Looks at what a backup held, and at what was published since, and begins the next generation in it.
 *
 * @throws AuthorityError `RESTORE_REFUSED`, and as `checkWhole` and `KeyStore.open`
 */
export async function goOnFromBackup(
  { staged, ...restored }: FromBackup,
  { madeAt, seen }: BackedUp,
): Promise<NextGeneration> {
  const { store, keys, layout } = restored
  // 3 Peers can follow it.
  const ahead = publishedAhead(restored)
  const revoked = await revokedAhead(restored, ahead)
  // 4 Its keys are all there, and open with the passphrase of this place.
  checkWhole({ ...restored, layout: { ...layout, authority: staged } })
  await keys.open(activeSlot({ store }, 'issuing-ca'))
  // 5 The next generation.
  const from = store.mesh()?.generation ?? 0
  const entry = { madeAt: new Date(madeAt).toISOString(), from }
  return beginGeneration(restored, { ahead, revoked, seen: Math.max(from, seen), backedUpAt: madeAt, entry })
}
