import type { Config } from '@datapunk/protocol'
import type { ListRow, Reader, SlotRow } from '../store/contract.ts'

type Served = {
  readonly authority: Pick<Config['authority'], 'publicUrl'>
  readonly revocation: Config['revocation']
}

/** How URLs name a CA's key: enough of its hash, because one authority has few. */
export function urlKeyOf({ spkiHash }: Pick<SlotRow, 'spkiHash'>): string {
  return spkiHash.slice(0, 16)
}

/** Where a list is served; undefined where nothing is. */
export function listUrl({ authority }: Served, slot: SlotRow, scope: string): string | undefined {
  const { publicUrl } = authority
  return publicUrl && `${publicUrl}/crl/${urlKeyOf(slot)}${scope === '' ? '' : `-${scope}`}.crl`
}

/** Where the list that a leaf would be on is served. */
export function leafListUrl(config: Served, slot: SlotRow, _serial: string): string | undefined {
  return listUrl(config, slot, '')
}

/** The list that is served at a path, as in `/crl/0123456789abcdef.crl`. */
export function findList(store: Reader, path: string): ListRow | undefined {
  const [, key, scope = ''] = /^\/crl\/([0-9a-f]{16})(?:-([a-z0-9]+))?\.crl$/.exec(path) ?? []
  const slot = store.slots().find((row) => urlKeyOf(row) === key)
  return slot && store.lists().find((row) => row.slot === slot.id && row.scope === scope)
}
