import type { Engine } from '../engine/engine.ts'
import type { KnownKey } from '../keys/stored-key.ts'

/**
 * Encrypts the keys that lie in clear, where the config no longer says that they do. What the disk has kept of them elsewhere, as in
 * a backup of it, stays as it was.
 *
 * @throws AuthorityError `PASSPHRASE_MISSING`, `DISK_FAILED`
 */
export async function sealKeys(engine: Engine): Promise<void> {
  for (const slot of engine.store.slots()) {
    if (slot.kind !== 'log' && (await engine.keys.seal(slot))) await recordSealed(engine, slot)
  }
}

/** That a key was encrypted: one that lay in clear, or with another passphrase. */
export async function recordSealed(
  { store, clock, actor }: Engine,
  { id, spkiHash }: KnownKey,
): Promise<void> {
  const entry = { slot: id, spkiHash }
  await store.write((transaction) => transaction.addAudit({ at: clock(), actor, deed: 'key-sealed', entry }))
}
