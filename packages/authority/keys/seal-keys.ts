import type { Engine } from '../engine.ts'

/**
 * Encrypts the keys that lie in clear, where the config no longer says that they do. What the disk has kept of them elsewhere, as in
 * a backup of it, stays as it was.
 *
 * @throws AuthorityError `PASSPHRASE_MISSING`, `DISK_FAILED`
 */
export async function sealKeys({ store, keys, clock, actor }: Engine): Promise<void> {
  for (const slot of store.slots()) {
    if (slot.kind === 'log' || !(await keys.seal(slot))) continue
    const entry = { slot: slot.id, spkiHash: slot.spkiHash }
    await store.write((transaction) =>
      transaction.addAudit({ at: clock(), actor, deed: 'key-sealed', entry }),
    )
  }
}
