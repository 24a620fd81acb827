import { join } from 'node:path'
import type { Engine } from '../engine/engine.ts'
import { AuthorityError } from '../error.ts'
import type { Passphrase } from '../keys/passphrase.ts'
import type { ScryptCost } from '../keys/passphrase-key.ts'
import { checkState } from '../state/check-state.ts'
import type { MeshRow } from '../store/rows.ts'
import { removeSnapshot, Snapshot } from '../store/snapshot.ts'
import { isAwayRoot } from '../trust/root-keys.ts'
import { sealBackup } from './backup-file.ts'
import type { BackupContents, BackupReport } from './backup-place.ts'
import { MAX_INVENTORY_BYTES } from './manifest.ts'

export interface BackUpOptions<Taken> {
  /** Asked for once it is known that there is something to back up. @throws AuthorityError where there is none, or a wrong one */
  readonly passphrase: () => Promise<Passphrase>
  /** Puts the bytes where they are to lie. */
  readonly take: (contents: BackupContents, bytes: AsyncIterable<Uint8Array>) => Promise<Taken>
  /** Default `scryptCost`; tests take less. */
  readonly cost?: ScryptCost | undefined
}

/**
 * Gives everything that makes this authority as the bytes of one encrypted file (`backup-file.ts`), while it goes on working. Once they
 * are whole and on disk somewhere, `recordBackup` says so.
 *
 * @param alone runs a deed while nothing else of this authority does
 * @throws AuthorityError `BACKUP_REFUSED`, `STORE_FAILED`, `DISK_FAILED`, and as `checkState`
 */
export async function backUp<Taken>(
  engine: Engine,
  { passphrase, take, cost }: BackUpOptions<Taken>,
  alone: <Result>(deed: () => Promise<Result>) => Promise<Result>,
): Promise<Taken> {
  const { disk, layout, clock, randomBytes } = engine
  const copy = join(layout.authority.dir, 'backup.db')
  try {
    // 1 Worth it, and a passphrase; to open a key with it takes its time, and nobody waits for that.
    checkWorthIt(engine)
    const word = await passphrase()
    // 2 One moment: the inventory, and the keys that it knows. To copy it takes its time too.
    const { mesh, keys, withoutKeys, madeAt, snapshot } = await alone(async () => {
      const mesh = checkWorthIt(engine)
      const [ofKeys, madeAt] = [keyFiles(engine), clock()]
      return { mesh, ...ofKeys, madeAt, snapshot: Snapshot.take(layout.authority.inventory) }
    })
    await snapshot.copyTo(copy, disk).finally(() => snapshot.close())
    // 3 Encrypted, piece by piece, as whoever takes it asks for them.
    const { meshId, trustDomain, generation } = mesh
    const header = { meshId, trustDomain, generation, madeAt }
    const inventory = disk.openFile(copy, { maxBytes: MAX_INVENTORY_BYTES })!
    const sealed = sealBackup({ keys, inventory }, { header, passphrase: word, randomBytes, cost })
    return await take({ ...header, withoutKeys }, sealed).finally(() => inventory.close())
  } finally {
    removeSnapshot(copy, disk)
  }
}

/** Keys that are made after the moment it shows are not in it. */
export async function recordBackup(
  { store, clock, actor, report }: Pick<Engine, 'store' | 'clock' | 'actor' | 'report'>,
  { file, size, generation, madeAt, withoutKeys }: RecordedBackup,
): Promise<void> {
  await store.write((transaction) => {
    transaction.changeMesh({ backedUpAt: madeAt })
    const entry = { file, size, generation, madeAt: new Date(madeAt).toISOString(), withoutKeys }
    transaction.addAudit({ at: clock(), actor, deed: 'backed-up', entry })
  })
  report({ kind: 'backed-up', subject: 'mesh', at: clock(), detail: { file, size } })
}

/** What goes on record of a backup that lies where it is to lie. */
export type RecordedBackup = Pick<BackupReport, 'file' | 'size' | 'generation' | 'madeAt' | 'withoutKeys'>

/** A state that is not whole, or not the newest, must not take the place of a backup that is. */
function checkWorthIt(engine: Engine): MeshRow {
  checkState(engine)
  const mesh = engine.store.mesh()
  if (mesh === undefined || engine.store.bundle() === undefined)
    throw new AuthorityError(
      'BACKUP_REFUSED',
      'found no mesh yet; allowed: a backup once `mtls apply` has made one',
    )
  return mesh
}

/** The keys that a backup holds, as they lie there, and the slots whose keys are away. */
export function keyFiles(engine: Pick<Engine, 'config' | 'store' | 'keys'>): {
  keys: { slot: string; file: Uint8Array }[]
  withoutKeys: string[]
} {
  // A log's key is its own, and a log that was restored would never be resumed.
  const slots = engine.store
    .slots()
    .filter(({ kind, state }) => kind !== 'log' && state !== 'retired' && state !== 'compromised')
  const away = slots.filter((slot) => isAwayRoot(engine, slot))
  const keys = slots.flatMap((slot) => {
    const file = away.includes(slot) ? undefined : engine.keys.file(slot)
    return file === undefined ? [] : [{ slot: slot.id, file }]
  })
  return { keys, withoutKeys: away.map(({ id }) => id) }
}
