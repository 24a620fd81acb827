import { join } from 'node:path'
import { type Layout, layoutOf } from '@datapunk/protocol'
import { Disk } from '../disk/disk.ts'
import { AuthorityError } from '../error.ts'
import type { NextGeneration } from '../events/next-generation.ts'
import { KeptPassphrase } from '../keys/passphrase.ts'
import { acquireLock, type Lock } from '../state/lock.ts'
import { clearStaging, restorePlaces, settleRestore } from '../state/settle.ts'
import { BackupFile } from './backup-file.ts'
import { givenOrFound } from './backup-passphrase.ts'
import { prepareRestored } from './prepare-restored.ts'
import type { RestoreOptions, Restoring } from './restoring.ts'
import { checkMayReplace, whatIsThere } from './what-is-there.ts'

export interface RestoreReport extends NextGeneration {
  readonly meshId: string
  readonly trustDomain: string
  /** The moment that the backup shows, milliseconds since the epoch. */
  readonly madeAt: number
  /** Where the authority's folder that was there lies now; undefined where nothing was in it. */
  readonly movedTo: string | undefined
}

const PURPOSE = 'restore'

/**
 * Makes an authority from a backup, in a state folder that has none. Nothing that is there changes before the last step;
 * killed at any moment, what was there is there still, or all that was restored is, once the next command has looked.
 *
 * What services read, their pairs and the mesh folder, stays as it is; the `apply` that follows publishes what is new.
 *
 * @throws AuthorityError `RESTORE_REFUSED`, `BACKUP_INVALID`, `PASSPHRASE_WRONG`, `PASSPHRASE_MISSING`, `SCHEMA_TOO_NEW`,
 *   `LOCKED`, `TRUST_DOMAIN_CHANGED`, `CA_MISMATCH`; `PERMISSIONS`, `STORE_FAILED` where the inventory that is there can't be opened
 */
export async function restoreBackup(options: RestoreOptions): Promise<RestoreReport> {
  const { config, clock, pid, disk = new Disk() } = options
  const layout = layoutOf(config)
  // 1 Alone, after whatever an earlier restore has left to do.
  disk.ensureFolder(layout.state, 0o755)
  settleRestore(layout, disk)
  disk.ensureFolder(layout.authority.dir, 0o700)
  const lock = acquireLock(layout.authority.lock, { pid, purpose: PURPOSE, now: clock(), disk })
  try {
    const kept = new KeptPassphrase({
      disk,
      passphraseFile: config.authority.passphraseFile,
      environment: options.environment,
      stateFile: layout.authority.passphrase,
      state: layout.state,
    })
    return await restoreUnder(lock, { ...options, disk, layout, find: () => kept.find() })
  } finally {
    lock.release()
  }
}

async function restoreUnder(lock: Lock, restoring: Restoring): Promise<RestoreReport> {
  const { disk, layout, file, clock, pid, report } = restoring
  const { staging, staged, ready } = restorePlaces(layout)
  const backup = BackupFile.open(file, disk)
  let stagedLock: Lock | undefined
  try {
    // 2 An authority that is there is left alone.
    const there = whatIsThere(layout, disk)
    checkMayReplace(there, backup.header, restoring)
    // 3 Unpacked beside it, where nobody looks. Whoever comes when it has taken its place, and this is not done, has to wait.
    clearStaging(layout, disk)
    disk.ensureFolder(staged.dir, 0o700)
    stagedLock = acquireLock(staged.lock, { pid, purpose: PURPOSE, now: clock(), disk })
    await unpack(backup, staged, restoring)
    // 4 It is whole, of this mesh and config; and it is made one that may act.
    const next = await prepareRestored(restoring, { staged, header: backup.header, there })
    // 5 All of it is on disk.
    disk.syncFolder(staged.dir)
    disk.rename(staged.dir, ready)
    stagedLock.moved(join(ready, 'lock.db'))
    disk.syncFolder(layout.state)
    // 6 What was there goes aside, and this takes its place.
    const movedTo = moveAside(restoring, { lock, keepsRootKey: there.hasInventory })
    settleRestore(layout, disk)
    stagedLock.moved(layout.authority.lock)
    if (disk.kindOf(ready) !== undefined) throw cameBetween(layout)
    disk.removeFolder(staging)
    const { meshId, trustDomain, madeAt } = backup.header
    const detail = { ...next, madeAt: new Date(madeAt).toISOString() }
    report?.({ kind: 'restored', subject: 'mesh', at: clock(), detail })
    return { ...next, meshId, trustDomain, madeAt, movedTo }
  } finally {
    try {
      stagedLock?.release()
    } finally {
      backup.close()
      tidy(restoring)
    }
  }
}

/** Of a restore that failed. The failure is what is to be told; what stays here is cleared by whoever comes next. */
function tidy({ layout, disk }: Restoring): void {
  try {
    if (disk.kindOf(restorePlaces(layout).ready) === undefined) clearStaging(layout, disk)
  } catch {}
}

async function unpack(backup: BackupFile, staged: Layout['authority'], restoring: Restoring): Promise<void> {
  const { disk, layout, config, passphraseFile, find } = restoring
  const { storeCaKeysInClear: storeInClear } = config.authority
  const { passphrase } = givenOrFound({ disk, passphraseFile, storeInClear, find })
  const content = await backup.unseal(passphrase)
  disk.ensureFolder(staged.keys, 0o700)
  for (const { slot, file } of content.keys()) {
    disk.writeFileAtomic(join(staged.keys, `${slot}.key`), file, { mode: 0o600 })
  }
  await disk.writeFileFrom(staged.inventory, content.inventory(), { mode: 0o600 })
  // A passphrase that was found here belongs to the place, not to the backup.
  const own = disk.readChecked(layout.authority.passphrase, { maxBytes: 4096, refuseLooserThan: 0o600 })
  if (own !== undefined) disk.writeFileAtomic(staged.passphrase, own, { mode: 0o600 })
}

/** @returns where what was there lies now; undefined where it was nothing but what this restore had made itself */
function moveAside(
  { config, layout, disk, clock }: Restoring,
  { lock, keepsRootKey }: { lock: Lock; keepsRootKey: boolean },
): string | undefined {
  const { dir } = layout.authority
  // The restored root takes that seat; one that sat there before is not lost.
  const rootKey = keepsRootKey && disk.readChecked(config.paths.caKey, { maxBytes: 64 * 1024 })
  if (rootKey) disk.writeFileAtomic(join(dir, 'ca.key'), rootKey, { mode: 0o600 })
  const aside = freeName(`${dir}.before-${new Date(clock()).toISOString()}`, disk)
  disk.rename(dir, aside)
  lock.moved(join(aside, 'lock.db'))
  if (!disk.list(aside).every((name) => /^(lock\.(db(-journal)?|json)|passphrase)$/.test(name))) return aside
  disk.removeFolder(aside)
  return undefined
}

function freeName(path: string, disk: Disk): string {
  for (let n = 1; ; n++) {
    const name = n === 1 ? path : `${path}-${n}`
    if (disk.kindOf(name) === undefined) return name
  }
}

function cameBetween({ authority }: Layout): AuthorityError {
  return new AuthorityError(
    'RESTORE_REFUSED',
    `another mtls began in ${authority.dir} while it was being replaced, so nothing was restored; allowed: one at a time. Run the restore again`,
  )
}
