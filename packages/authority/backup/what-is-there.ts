import { DatabaseSync } from 'node:sqlite'
import type { Config, Layout } from '@datapunk/protocol'
import type { Disk } from '../disk/disk.ts'
import { AuthorityError } from '../error.ts'
import type { MeshRow } from '../store/rows.ts'
import { applicationId, isEmpty } from '../store/schema.ts'
import { notOpened, sqliteFailure } from '../store/sqlite-failure.ts'
import type { BackupHeader } from './header.ts'

/** How long readers, who hold it for a moment, may take to let go of it, milliseconds. */
const BUSY_TIMEOUT = 200

/** What a restore finds in the place of what it restores. */
export interface WhatIsThere {
  /** An inventory with a mesh in it, or one that can't be read. */
  readonly hasInventory: boolean
  /** Undefined where it is damaged, or no inventory of an mtls. */
  readonly mesh: Pick<MeshRow, 'meshId' | 'generation'> | undefined
}

/**
 * @throws AuthorityError `PERMISSIONS`, `DISK_FAILED`; `STORE_FAILED` where another program holds it, or it can't be opened: what
 *   it would tell is not to be passed over
 */
export function whatIsThere({ authority }: Layout, disk: Disk): WhatIsThere {
  const file = authority.inventory
  if (disk.kindOf(file) === undefined) return { hasInventory: false, mesh: undefined }
  disk.makePrivateFile(file, { create: false })
  try {
    return readPlainly(file)
  } catch (error) {
    if (sqliteFailure(error) === 'damaged') return { hasInventory: true, mesh: undefined }
    throw notOpened(file, error)
  }
}

/** By what every schema has had from the first: whoever restores may have another mtls than the one that wrote it. */
function readPlainly(file: string): WhatIsThere {
  const database = new DatabaseSync(file, { readOnly: true, timeout: BUSY_TIMEOUT })
  try {
    if (isEmpty(database)) return { hasInventory: false, mesh: undefined }
    const { application_id: owner } = database.prepare('PRAGMA application_id').get()!
    if (owner !== applicationId) return { hasInventory: true, mesh: undefined }
    const row = database.prepare('SELECT mesh_id AS meshId, generation FROM mesh').get()
    return { hasInventory: row !== undefined, mesh: row as WhatIsThere['mesh'] }
  } finally {
    database.close()
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
