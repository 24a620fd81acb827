import type { Config } from '@datapunk/protocol'

/** How well the CA keys are kept, in words. */
export function protectionText({ authority }: Config, unprotected: boolean): string {
  if (!unprotected) return 'encrypted, their passphrase kept elsewhere'
  return authority.storeCaKeysInClear
    ? 'UNPROTECTED: they lie in clear, as authority.store_ca_keys_in_clear says'
    : 'UNPROTECTED: their passphrase lies beside them; authority.passphrase_file names a better place'
}
