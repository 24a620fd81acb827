import type { Disk } from '../disk/disk.ts'
import { AuthorityError } from '../error.ts'
import { type FoundPassphrase, type Passphrase, passphraseIn } from '../keys/passphrase.ts'

export interface BackupPassphraseOptions {
  readonly disk: Disk
  /** One for the backup alone, in a file (`--passphrase-file`). */
  readonly passphraseFile: string | undefined
  /** `authority.store_ca_keys_in_clear`. */
  readonly storeInClear: boolean
  readonly find: () => FoundPassphrase
}

/**
 * What a backup is encrypted with: the passphrase of the CA keys, unless another is given. CA keys that lie in clear by
 * config have none; their backup is encrypted all the same, because it goes to places that the config says nothing of.
 *
 * @throws AuthorityError `PASSPHRASE_MISSING`, and as `findPassphrase`
 */
export function backupPassphrase({
  disk,
  passphraseFile,
  storeInClear,
  find,
}: BackupPassphraseOptions): Pick<FoundPassphrase, 'unprotected'> & { readonly passphrase: Passphrase } {
  if (passphraseFile !== undefined) {
    return { passphrase: passphraseIn(disk, passphraseFile), unprotected: false }
  }
  try {
    return find()
  } catch (cause) {
    const isMissing = cause instanceof AuthorityError && cause.code === 'PASSPHRASE_MISSING'
    if (!storeInClear || !isMissing) throw cause
    throw new AuthorityError(
      'PASSPHRASE_MISSING',
      'found CA keys that lie in clear, and no passphrase; allowed: one in a file (0600), as a backup is always encrypted. Give it by --passphrase-file',
      { cause },
    )
  }
}
