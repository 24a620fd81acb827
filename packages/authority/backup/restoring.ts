import type { Config, Layout } from '@datapunk/protocol'
import type { Disk } from '../disk/disk.ts'
import type { AuthorityEvent } from '../events/event.ts'
import type { FoundPassphrase } from '../keys/passphrase.ts'
import type { ScryptCost } from '../keys/passphrase-key.ts'

export interface RestoreOptions {
  readonly config: Config
  /** Absolute. */
  readonly file: string
  /** With the backup's own passphrase, where it was made with one; absolute. */
  readonly passphraseFile?: string | undefined
  /** Where an inventory is there already, that is moved aside; otherwise it is left, and nothing is restored. */
  readonly replace: boolean
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  readonly randomBytes: (length: number) => Uint8Array
  /** Environment variables; the passphrase is removed from them. */
  readonly environment: Record<string, string | undefined>
  readonly pid: number
  readonly report?: (event: AuthorityEvent) => void
  readonly disk?: Disk
  /** Of the new key's envelope; default `scryptCost`; tests take less. */
  readonly cost?: ScryptCost | undefined
}

/** What the steps of a restore work with. */
export interface Restoring extends RestoreOptions {
  readonly disk: Disk
  readonly layout: Layout
  readonly find: () => FoundPassphrase
}
