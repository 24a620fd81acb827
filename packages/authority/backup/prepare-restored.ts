import type { Layout } from '@datapunk/protocol'
import { activeSlot } from '../engine/slots.ts'
import { AuthorityError } from '../error.ts'
import type { NextGeneration } from '../events/next-generation.ts'
import { KeyStore } from '../keys/key-store.ts'
import { SqliteStore } from '../store/sqlite.ts'
import { goOnFromBackup } from './go-on-from-backup.ts'
import type { BackupHeader } from './header.ts'
import type { Restoring } from './restoring.ts'
import { refused, type WhatIsThere } from './what-is-there.ts'

export interface Unpacked {
  /** Where it was unpacked. */
  readonly staged: Layout['authority']
  readonly header: BackupHeader
  readonly there: WhatIsThere
}

/** Looks at what was unpacked as every command looks at a state folder, and begins the next generation in it. */
export async function prepareRestored(
  restoring: Restoring,
  { staged, header, there }: Unpacked,
): Promise<NextGeneration> {
  const { config, disk, layout, clock, randomBytes, find, cost, file } = restoring
  const store = openInventory(staged.inventory, restoring)
  try {
    const keyStore = (folder: string) =>
      new KeyStore({
        ...{ disk, folder, rootKey: config.paths.caKey, randomBytes, ...(cost && { cost }) },
        passphrase: () => find().passphrase,
        storeInClear: config.authority.storeCaKeysInClear,
      })
    const keys = keyStore(staged.keys)
    const unpacked = { config, disk, store, keys, clock, actor: 'restore' }
    // 1 It is what its header says.
    const mesh = store.mesh()
    if (mesh?.meshId !== header.meshId || mesh.trustDomain !== header.trustDomain)
      throw refused(`found in ${file} another mesh than its header names; allowed: a backup as it was made`)
    // 2 No other root's key would lose its seat.
    if (!there.hasInventory) checkSeat(restoring, keyStore(`${staged.dir}/none`), store)
    // 3 to 5
    const { madeAt } = header
    const seen = there.mesh?.generation ?? 0
    const next = await goOnFromBackup({ ...unpacked, layout, staged }, { madeAt, seen })
    // Where they are to be put once this has taken its place.
    const places = keyStore(layout.authority.keys)
    const slots = store.slots()
    const rootKeys = next.rootKeys.map(({ slot }) => ({
      slot,
      path: places.placeOf(slots.find(({ id }) => id === slot)!),
    }))
    return { ...next, rootKeys }
  } finally {
    store.close()
    disk.sync(staged.inventory)
  }
}

function openInventory(path: string, { disk, file }: Restoring): SqliteStore {
  try {
    return SqliteStore.open({ file: path, disk })
  } catch (cause) {
    if (!(cause instanceof AuthorityError) || cause.code !== 'SCHEMA_TOO_NEW') throw cause
    const { found, allowed } = cause.data
    throw new AuthorityError(
      'SCHEMA_TOO_NEW',
      `found in ${file} an inventory of schema ${found}; allowed: up to ${allowed}. Restore it with the newer mtls that wrote it`,
      { cause, data: { found, allowed } },
    )
  }
}

function checkSeat({ config, disk }: Restoring, seat: KeyStore, store: SqliteStore): void {
  const { caKey } = config.paths
  if (disk.kindOf(caKey) === undefined) return
  const root = activeSlot({ store }, 'root')
  try {
    seat.check(root)
  } catch (cause) {
    throw refused(
      `found at ${caKey} another key than that of ${root.id}, which would take its place; allowed: that one, or none. Move the file away`,
      cause,
    )
  }
}
