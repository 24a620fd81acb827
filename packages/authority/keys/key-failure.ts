import { AuthorityError } from '../error.ts'
import { insteadOf, type Passphrase } from './passphrase.ts'
import type { KeySlot } from './stored-key.ts'

export function keyMissing({ id, kind }: KeySlot, path: string): AuthorityError {
  const meant = kind === 'root' ? ', or say that it is away on purpose: authority.root.offline: true' : ''
  return new AuthorityError(
    'KEY_MISSING',
    `the key of ${id} is not at ${path}, and mtls never makes another in its place. Put the file back from a backup${meant}`,
    { data: { slot: id, path } },
  )
}

export function keyMismatch({ id }: KeySlot, path: string, found: string): AuthorityError {
  return new AuthorityError('KEY_MISMATCH', `${path} ${found}. Put the key of ${id} back from a backup`, {
    data: { slot: id, path },
  })
}

export function notItsKey({ id }: KeySlot): AuthorityError {
  return new AuthorityError(
    'KEY_MISMATCH',
    `the key for ${id} is not its certificate's. Give the pair that belongs together`,
    { data: { slot: id } },
  )
}

export function keyExists({ id }: KeySlot, path: string): AuthorityError {
  return new AuthorityError(
    'KEY_EXISTS',
    `${path} is there, and the inventory knows nothing of it: the key of ${id} would overwrite it. ` +
      'Take it over with mtls apply --adopt-ca, or move it away',
    { data: { slot: id, path } },
  )
}

export function keyInClear({ id }: KeySlot, path: string): AuthorityError {
  return new AuthorityError(
    'KEY_IN_CLEAR',
    `the key of ${id} at ${path} is not encrypted. Let \`mtls apply\` encrypt it, or allow it in the config: ` +
      'authority.store_ca_keys_in_clear: true',
    { data: { slot: id, path } },
  )
}

export function keyInvalid({ id }: KeySlot, found: string, cause?: unknown): AuthorityError {
  return new AuthorityError('KEY_INVALID', `the key for ${id} ${found}`, { cause, data: { slot: id } })
}

export function wrongPassphrase({ id }: KeySlot, passphrase: Passphrase, cause: unknown): AuthorityError {
  return new AuthorityError(
    'PASSPHRASE_WRONG',
    `the key for ${id} is encrypted, and the passphrase of the CA keys does not open it; allowed: its own. ${insteadOf(passphrase)}`,
    { cause, data: { slot: id } },
  )
}
