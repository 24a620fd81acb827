import { sha256 } from '@datapunk/pki'
import type { Config } from '@datapunk/protocol'
import type { Reader } from '../store/contract.ts'
import type { SlotRow } from '../store/rows.ts'

/** Scopes (`ListRow.scope`): of a list about all certificates of its CA, and of what has changed in it. */
export const WHOLE = ''
export const DELTA = 'delta'

/** Digits of the key's hash in a URL. */
const KEY_DIGITS = 16

/** What names the place of a list. */
type Places = { readonly authority: Pick<Config['authority'], 'publicUrl'> }
type Shards = Places & { readonly revocation: Pick<Config['revocation'], 'shards'> }
type Key = Pick<SlotRow, 'spkiHash'>

/** How URLs name a CA's key: enough of its hash, because one authority has few. */
export function urlKeyOf({ spkiHash }: Key): string {
  return spkiHash.slice(0, KEY_DIGITS)
}

/** @returns undefined where lists are served nowhere */
export function listUrl({ authority }: Places, key: Key, scope: string): string | undefined {
  if (authority.publicUrl === undefined) return undefined
  const suffix = scope === WHOLE ? '' : `-${scope}`
  return `${authority.publicUrl}/crl/${urlKeyOf(key)}${suffix}.crl`
}

/** Of the list that a certificate of an issuing CA names. @param serial lowercase hex */
export function leafListUrl(config: Shards, slot: Key, serial: string): string | undefined {
  return listUrl(config, slot, shardOf(config, serial))
}

/** The scope of the list that a certificate of an issuing CA names. @param serial lowercase hex */
export function shardOf(config: Shards, serial: string): string {
  return shardsOf(config)[shardIndex(lastOctet(serial), config.revocation.shards)] ?? WHOLE
}

/** The scopes that the list of an issuing CA is divided into; none where it is whole, or served nowhere. */
export function shardsOf({ authority: { publicUrl }, revocation: { shards } }: Shards): readonly string[] {
  if (shards === 1 || publicUrl === undefined) return []
  // A shard's list names its own URL, as its certificates do: at another place it is another list.
  const place = Buffer.from(sha256(Buffer.from(publicUrl))).toString('hex', 0, 4)
  return Array.from({ length: shards }, (_, index) => `${index}of${shards}-${place}`)
}

/** Whether a CA's list about all of its certificates has a delta beside it. */
export function hasDelta(
  { kind }: Pick<SlotRow, 'kind'>,
  { authority, revocation }: Pick<Config, 'authority' | 'revocation'>,
): boolean {
  return kind === 'issuing-ca' && revocation.deltas && authority.publicUrl !== undefined
}

/** One of the parts of a list. */
export interface Shard {
  readonly index: number
  readonly shards: number
}

/** Which shard a scope means, for ever; undefined where it is none. */
export function shardIn(scope: string): Shard | undefined {
  const [, index, shards] = /^([0-9]+)of([0-9]+)-/.exec(scope) ?? []
  return shards === undefined ? undefined : { index: Number(index), shards: Number(shards) }
}

/** A serial's last octet, which is random, says which of up to 256 shards it is in. */
export function shardIndex(octet: number, shards: number): number {
  return (octet * shards) >>> 8
}

export function lastOctet(serial: string): number {
  return Number.parseInt(serial.slice(-2), 16)
}

/** Whose list, and which of them, a URL's path names, as in `/crl/0123456789abcdef.crl`; whether there is one is not looked at. */
export function listAt(
  store: Pick<Reader, 'slots'>,
  path: string,
): { readonly slot: string; readonly scope: string } | undefined {
  const [, key, scope = WHOLE] = /^\/crl\/([0-9a-f]{16})(?:-([a-z0-9-]+))?\.crl$/.exec(path) ?? []
  if (key === undefined) return undefined
  const slot = store.slots().find(({ spkiHash }) => spkiHash.startsWith(key))
  return slot && { slot: slot.id, scope }
}
