import { hkdfSync, scrypt } from 'node:crypto'
import type { Passphrase } from './passphrase.ts'

export interface ScryptCost {
  readonly N: number
  readonly r: number
  readonly p: number
}

/** OWASP Password Storage Cheat Sheet, its first choice: 128 MiB, about 0.3 s on one core. RFC 7914 section 2. */
export const scryptCost: ScryptCost = { N: 2 ** 17, r: 8, p: 1 }

/** What a file may ask of us: 128·N·r = 512 MiB at most, and four times the work of `scryptCost`. */
const costAllowed = { leastN: 2 ** 10, mostN: 2 ** 20, mostR: 32, mostP: 4, mostWork: 4 * 2 ** 17 * 8 }

/** Of `PassphraseKey.check`. */
export const CHECK_BYTES = 16

/** What a passphrase opens: `key` for AES-256-GCM, and `check`, which commits to it (AES-GCM alone commits to no key). */
export interface PassphraseKey {
  readonly key: Uint8Array
  readonly check: Uint8Array
}

/**
 *     secret     = scrypt(passphrase, salt, N, r, p, 32 bytes)               RFC 7914
 *     key, check = HKDF-SHA-256(secret, context + " " + purpose)             RFC 5869
 *
 * @param context what the key is for, with its version: no key of one purpose opens what was sealed for another
 */
export async function derivePassphraseKey(
  passphrase: Passphrase,
  salt: Uint8Array,
  { N, r, p }: ScryptCost,
  context: string,
): Promise<PassphraseKey> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  // Node's own bound, 32 MiB, is below any serious cost; this is what scrypt takes, and a page of its bookkeeping.
  const maxmem = 128 * r * (N + p) + 4096
  scrypt(passphrase.bytes(), salt, 32, { N, r, p, maxmem }, (error, secret) =>
    error ? reject(error) : resolve(secret),
  )
  const secret = await promise
  const expand = (purpose: string, length: number) =>
    new Uint8Array(hkdfSync('sha256', secret, '', `${context} ${purpose}`, length))
  try {
    return { key: expand('key', 32), check: expand('check', CHECK_BYTES) }
  } finally {
    secret.fill(0)
  }
}

/** The cost that a file names; undefined when it is more than any of ours. The budget is held before a byte is allocated. */
export function allowedCost(N: unknown, r: unknown, p: unknown): ScryptCost | undefined {
  const within = (value: unknown, least: number, most: number): value is number =>
    Number.isInteger(value) && (value as number) >= least && (value as number) <= most
  const { leastN, mostN, mostR, mostP, mostWork } = costAllowed
  if (!within(N, leastN, mostN) || !within(r, 1, mostR) || !within(p, 1, mostP)) return undefined
  return Number.isInteger(Math.log2(N)) && N * r * p <= mostWork ? { N, r, p } : undefined
}
