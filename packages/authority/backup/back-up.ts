import { dirname, join } from 'node:path'
import { checkState } from '../check-state.ts'
import type { Engine } from '../engine.ts'
import { AuthorityError } from '../error.ts'
import type { Passphrase } from '../keys/passphrase.ts'
import type { ScryptCost } from '../keys/passphrase-key.ts'
import { isAwayRoot } from '../keys/root-keys.ts'
import type { MeshRow } from '../store/rows.ts'
import { removeSnapshot, Snapshot } from '../store/snapshot.ts'
import { BackupFile, sealBackup } from './backup-file.ts'
import { MAX_INVENTORY_BYTES } from './manifest.ts'

export interface BackUpOptions {
  /** Absolute; an earlier backup of this mesh that is there is replaced. */
  readonly file: string
  /** Asked for once it is known that there is something to back up. @throws AuthorityError where there is none, or a wrong one */
  readonly passphrase: () => Promise<Passphrase>
  /** Default `scryptCost`; tests take less. */
  readonly cost?: ScryptCost | undefined
}

export interface BackupReport {
  readonly file: string
  /** Bytes. */
  readonly size: number
  readonly meshId: string
  readonly trustDomain: string
  readonly generation: number
  /** The moment it shows, milliseconds since the epoch. */
  readonly madeAt: number
  /** Roots whose keys are away, and not in it. */
  readonly withoutKeys: readonly string[]
}

/**
 * Puts everything that makes this authority into one encrypted file (`backup-file.ts`), while it goes on working. Whatever
 * ends it, an earlier backup in that place stays until the new one is whole and on disk.
 *
 * @param alone runs a deed while nothing else of this authority does
 * @throws AuthorityError `BACKUP_REFUSED`, `STORE_FAILED`, `DISK_FAILED`, and as `checkState`
 */
export async function backUp(
  engine: Engine,
  { file, passphrase, cost }: BackUpOptions,
  alone: <Result>(deed: () => Promise<Result>) => Promise<Result>,
): Promise<BackupReport> {
  const { disk, layout, clock, store, actor, randomBytes, report } = engine
  const copy = join(layout.authority.dir, 'backup.db')
  try {
    // 1 Worth it, and a passphrase; to open a key with it takes its time, and nobody waits for that.
    checkWorthIt(engine, file)
    const word = await passphrase()
    // 2 One moment: the inventory, and the keys that it knows. To copy it takes its time too.
    const { mesh, keys, withoutKeys, madeAt, snapshot } = await alone(async () => {
      const mesh = checkWorthIt(engine, file)
      const [ofKeys, madeAt] = [keyFiles(engine), clock()]
      return { mesh, ...ofKeys, madeAt, snapshot: Snapshot.take(layout.authority.inventory) }
    })
    await snapshot.copyTo(copy, disk).finally(() => snapshot.close())
    // 3 Encrypted, whole or not at all, and on disk.
    const { meshId, trustDomain, generation } = mesh
    const header = { meshId, trustDomain, generation, madeAt }
    const inventory = disk.openFile(copy, { maxBytes: MAX_INVENTORY_BYTES })!
    const sealed = sealBackup({ keys, inventory }, { header, passphrase: word, randomBytes, cost })
    const size = await disk.writeFileFrom(file, sealed, { mode: 0o600 }).finally(() => inventory.close())
    // 4 On record; keys that are made from now on are not in it.
    await store.write((transaction) => {
      transaction.changeMesh({ backedUpAt: madeAt })
      const entry = { file, size, generation, madeAt: new Date(madeAt).toISOString(), withoutKeys }
      transaction.addAudit({ at: clock(), actor, deed: 'backed-up', entry })
    })
    report({ kind: 'backed-up', subject: 'mesh', at: clock(), detail: { file, size } })
    return { file, size, ...header, withoutKeys }
  } finally {
    removeSnapshot(copy, disk)
  }
}

/** A state that is not whole, or not the newest, must not take the place of a backup that is. */
function checkWorthIt(engine: Engine, file: string): MeshRow {
  checkState(engine)
  const mesh = engine.store.mesh()
  if (mesh === undefined || engine.store.bundle() === undefined)
    throw refused('found no mesh yet; allowed: a backup once `mtls apply` has made one')
  checkPlace(engine, mesh, file)
  return mesh
}

/** Only a backup of this mesh is replaced, whatever name was mistyped. */
function checkPlace({ disk }: Engine, { meshId }: MeshRow, file: string): void {
  if (disk.kindOf(dirname(file)) === undefined)
    throw refused(`found no folder ${dirname(file)}; allowed: a file in a folder that is there`)
  if (disk.kindOf(file) === undefined) return
  const allowed = 'allowed: a new file, or an earlier backup of this mesh, which is replaced'
  let earlier: BackupFile
  try {
    earlier = BackupFile.open(file, disk)
  } catch (cause) {
    throw refused(`found in ${file} something else than a backup; ${allowed}`, cause)
  }
  earlier.close()
  if (earlier.header.meshId !== meshId)
    throw refused(`found in ${file} the backup of mesh ${earlier.header.meshId}; ${allowed}`)
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

function refused(found: string, cause?: unknown): AuthorityError {
  return new AuthorityError('BACKUP_REFUSED', found, { cause })
}
