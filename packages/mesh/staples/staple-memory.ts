import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { MeshError } from '../error.ts'
import { readRegularFile } from '../files/regular-file.ts'
import { writeWhole } from '../files/whole-file.ts'

/** The last good staple, beside what a service believed: a restart must not depend on the authority. `staple-SERIAL.der` */
export class StapleMemory {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  /** @returns undefined where there is none to be read; whether it is good is looked at as if it came from anywhere */
  async read(serial: string): Promise<Uint8Array | undefined> {
    return readRegularFile(this.#path(serial)).catch(() => undefined)
  }

  /** Keeps this one, and forgets those of other certificates. @throws MeshError `MEMORY_UNWRITABLE` */
  async keep(serial: string, der: Uint8Array): Promise<void> {
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 })
      await writeWhole(this.#path(serial), der)
      for (const name of await readdir(this.#folder)) {
        const other = /^staple-([0-9a-f]+)\.der$/.exec(name)?.[1]
        if (other !== undefined && other !== serial) await rm(this.#path(other), { force: true })
      }
    } catch (cause) {
      const reason = (cause as NodeJS.ErrnoException).code ?? String(cause)
      throw new MeshError(
        'MEMORY_UNWRITABLE',
        `the OCSP staple of ${serial} can't be kept in ${this.#folder} (${reason}), so that after a restart there is none while the authority is down; allowed: a folder of this service's own that it can write to: give it that one, or name another in $MTLS_MEMORY`,
        { cause, data: { folder: this.#folder } },
      )
    }
  }

  #path(serial: string): string {
    return join(this.#folder, `staple-${serial}.der`)
  }
}
