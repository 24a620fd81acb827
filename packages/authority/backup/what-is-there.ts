import type { Config, Layout } from '@datapunk/protocol'
import type { Disk } from '../disk/disk.ts'
import { AuthorityError } from '../error.ts'
import type { MeshRow } from '../store/rows.ts'
import { SqliteStore } from '../store/sqlite.ts'
import type { BackupHeader } from './header.ts'

/** What a restore finds in the place of what it restores. */
export interface WhatIsThere {
  /** An inventory with a mesh in it, or one that can't be read. */
  readonly hasInventory: boolean
  /** Undefined where it can't be read. */
  readonly mesh: MeshRow | undefined
}

export function whatIsThere({ authority }: Layout, disk: Disk): WhatIsThere {
  if (disk.kindOf(authority.inventory) === undefined) return { hasInventory: false, mesh: undefined }
  try {
    const store = SqliteStore.open({ file: authority.inventory, readOnly: true, disk })
    try {
      const mesh = store.mesh()
      return { hasInventory: mesh !== undefined, mesh }
    } finally {
      store.close()
    }
  } catch (error) {
    if (!(error instanceof AuthorityError)) throw error
    return { hasInventory: true, mesh: undefined }
  }
}

/** @throws AuthorityError `RESTORE_REFUSED` */
export function checkMayReplace(
  { hasInventory, mesh }: WhatIsThere,
  header: BackupHeader,
  { config, replace, layout }: { config: Config; replace: boolean; layout: Layout },
): void {
  const { trustDomain, meshId, madeAt } = header
  const backup = `the backup of ${trustDomain} (mesh ${meshId}) of ${new Date(madeAt).toISOString()}`
  if (trustDomain !== config.trustDomain) {
    throw refused(
      `found ${backup}, and the trust domain ${config.trustDomain} in ${config.file}; allowed: the same in both. Check --config, --env and --root`,
    )
  }
  if (mesh !== undefined && mesh.meshId !== meshId) {
    throw refused(
      `found ${backup}, and another mesh, ${mesh.meshId}, in ${layout.authority.dir}; allowed: a backup of that one, or another authority.state`,
    )
  }
  if (hasInventory && !replace) {
    throw refused(
      `found an inventory in ${layout.authority.dir}; allowed: a state folder without one, or \`mtls restore --replace\`, which moves that folder aside. Where it is only not the newest, \`mtls restore --continue\` goes on from it`,
    )
  }
}

export function refused(found: string, cause?: unknown): AuthorityError {
  return new AuthorityError('RESTORE_REFUSED', found, { cause })
}
