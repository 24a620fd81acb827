import { dirname } from 'node:path'
import type { Disk } from '../disk/disk.ts'
import { AuthorityError } from '../error.ts'
import { BackupFile } from './backup-file.ts'

/** What a backup shows, known before its bytes are. */
export interface BackupContents {
  readonly meshId: string
  readonly trustDomain: string
  readonly generation: number
  /** The moment it shows, milliseconds since the epoch. */
  readonly madeAt: number
  /** Roots whose keys are away, and not in it. */
  readonly withoutKeys: readonly string[]
}

export interface BackupReport extends BackupContents {
  readonly file: string
  /** Bytes. */
  readonly size: number
}

/** Where a backup is to lie: a new file, or an earlier backup of the same mesh, which is replaced. */
export class BackupPlace {
  readonly #file: string
  readonly #disk: Disk

  /** @param file absolute @throws AuthorityError `BACKUP_REFUSED` where no backup can lie there, of whatever mesh */
  constructor(file: string, disk: Disk) {
    this.#file = file
    this.#disk = disk
    if (disk.kindOf(dirname(file)) === undefined)
      throw refused(`found no folder ${dirname(file)}; allowed: a file in a folder that is there`)
    this.#meshThere()
  }

  /**
   * Whatever ends it, what is there stays until the new one is whole and on disk.
   *
   * @throws AuthorityError `BACKUP_REFUSED`, `DISK_FAILED`
   */
  async put<Contents extends BackupContents>(
    contents: Contents,
    bytes: AsyncIterable<Uint8Array>,
  ): Promise<Contents & BackupReport> {
    this.checkMesh(contents.meshId)
    const size = await this.#disk.writeFileFrom(this.#file, bytes, { mode: 0o600 })
    return { file: this.#file, size, ...contents }
  }

  /** Only a backup of this mesh is replaced, whatever name was mistyped. @throws AuthorityError `BACKUP_REFUSED` */
  checkMesh(meshId: string): void {
    const there = this.#meshThere()
    if (there !== undefined && there !== meshId)
      throw refused(`found in ${this.#file} the backup of mesh ${there}; ${ALLOWED}`)
  }

  #meshThere(): string | undefined {
    if (this.#disk.kindOf(this.#file) === undefined) return undefined
    try {
      const earlier = BackupFile.open(this.#file, this.#disk)
      earlier.close()
      return earlier.header.meshId
    } catch (cause) {
      throw refused(`found in ${this.#file} something else than a backup; ${ALLOWED}`, cause)
    }
  }
}

const ALLOWED = 'allowed: a new file, or an earlier backup of this mesh, which is replaced'

function refused(found: string, cause?: unknown): AuthorityError {
  return new AuthorityError('BACKUP_REFUSED', found, { cause })
}
