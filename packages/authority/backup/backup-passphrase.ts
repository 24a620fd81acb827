import type { Disk } from '../disk/disk.ts'
import type { Engine } from '../engine/engine.ts'
import { AuthorityError } from '../error.ts'
import { type FoundPassphrase, longEnough, type Passphrase, passphraseIn } from '../keys/passphrase.ts'
import { keyFiles } from './back-up.ts'

export interface BackupPassphraseOptions {
  readonly disk: Disk
  /** One for the backup alone, in a file (`--passphrase-file`). */
  readonly passphraseFile: string | undefined
  /** `authority.store_ca_keys_in_clear`. */
  readonly storeInClear: boolean
  readonly find: () => FoundPassphrase
}

interface BackupPassphrase extends Pick<FoundPassphrase, 'unprotected'> {
  readonly passphrase: Passphrase
}

/**
 * What a backup is encrypted with: the passphrase of the CA keys, unless another is given. It has to open each of them
 * that goes into the backup: one under a mistyped word is none, and a key that it does not open would be lost there.
 *
 * @param given one for the backup alone
 * @throws AuthorityError `PASSPHRASE_MISSING`, `PASSPHRASE_SHORT`, `PASSPHRASE_WRONG`, and as `findPassphrase`
 */
export async function backupPassphrase(
  engine: Pick<Engine, 'config' | 'disk' | 'store' | 'keys'>,
  given: Passphrase | undefined,
  find: () => FoundPassphrase,
): Promise<BackupPassphrase> {
  if (given !== undefined) return { passphrase: longEnough(given), unprotected: false }
  const { config, disk, keys } = engine
  const storeInClear = config.authority.storeCaKeysInClear
  const found = givenOrFound({ disk, passphraseFile: undefined, storeInClear, find })
  if (storeInClear) return found
  for (const { file } of keyFiles(engine).keys) await keys.provePassphraseBy(file)
  return found
}

/**
 * One for the backup alone (`--passphrase-file`). Whoever asks for the backup reads it: a running authority may see other files there.
 *
 * @throws AuthorityError `PASSPHRASE_MISSING`, `PASSPHRASE_SHORT`, `PERMISSIONS`
 */
export function givenPassphrase(disk: Disk, file: string | undefined): Passphrase | undefined {
  return file === undefined ? undefined : longEnough(passphraseIn(disk, file), file)
}

/**
 * CA keys that lie in clear by config have no passphrase; their backup is encrypted all the same, because it goes to places
 * that the config says nothing of.
 *
 * @throws AuthorityError `PASSPHRASE_MISSING`, and as `findPassphrase`
 */
export function givenOrFound({
  disk,
  passphraseFile,
  storeInClear,
  find,
}: BackupPassphraseOptions): BackupPassphrase {
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
