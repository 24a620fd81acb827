import * as crypto from 'node:crypto'

export const { sign } = crypto

/** As `node:crypto` has it, but that it is done by the time it returns. */
export function verify(
  digest: string | null,
  message: Uint8Array,
  key: crypto.KeyObject,
  signature: Uint8Array,
  callback?: (error: null, isGood: boolean) => void,
): boolean {
  const isGood = crypto.verify(digest, message, key, signature)
  callback?.(null, isGood)
  return isGood
}
