import { createHash } from 'node:crypto'
import { listAt } from '../revoked/list-url.ts'
import type { Reader } from '../store/contract.ts'
import type { ListHead, ListRow } from '../store/rows.ts'

/** A million revocations are 40 MB. Bytes, of all lists together. */
const MAX_KEPT = 128 * 1024 * 1024

/** A list as it is given; what is said of it is kept for as long as it is the newest. */
export interface ShelvedList {
  readonly head: ListHead
  readonly etag: string
  /** Octets. */
  readonly size: number
}

/**
 * The revocation lists, read and hashed once each. Whoever asks for their headers, or whether they are other ones by now, costs no
 * look at a list; the octets of those that were asked for last are kept, as many as there is room for.
 */
export class ListShelf {
  readonly #store: Pick<Reader, 'slots' | 'lists' | 'list'>
  readonly #maxKept: number
  readonly #lists = new Map<string, ShelvedList>()
  /** The one that was asked for last comes last. */
  readonly #octets = new Map<string, Uint8Array>()
  #kept = 0

  constructor(store: Pick<Reader, 'slots' | 'lists' | 'list'>, maxKept = MAX_KEPT) {
    this.#store = store
    this.#maxKept = maxKept
  }

  /** The list at a path; undefined where there is none. */
  find(path: string): ShelvedList | undefined {
    const at = listAt(this.#store, path)
    if (at === undefined) return undefined
    const newest = this.#store.lists().find(({ slot, scope }) => slot === at.slot && scope === at.scope)
    const known = this.#lists.get(nameOf(at))
    if (known !== undefined && known.head.number === newest?.number) return known
    this.#drop(at)
    return newest && this.#read(at)?.list
  }

  /** All of it; what was found may have been replaced since. */
  whole(found: ShelvedList): { readonly list: ShelvedList; readonly der: Uint8Array } | undefined {
    const name = nameOf(found.head)
    const der = this.#octets.get(name)
    const list = this.#lists.get(name)
    if (der === undefined || list === undefined) return this.#read(found.head)
    this.#octets.delete(name)
    this.#octets.set(name, der)
    return { list, der }
  }

  #read({ slot, scope }: Place): { list: ShelvedList; der: Uint8Array } | undefined {
    this.#drop({ slot, scope })
    const row = this.#store.list(slot, scope)
    if (row === undefined) return undefined
    const { der, ...head }: ListRow = row
    const etag = `"${createHash('sha256').update(der).digest('hex')}"`
    const list = { head, etag, size: der.byteLength }
    this.#lists.set(nameOf(head), list)
    this.#keep(nameOf(head), der)
    return { list, der }
  }

  #keep(name: string, der: Uint8Array): void {
    if (der.byteLength > this.#maxKept) return
    this.#octets.set(name, der)
    this.#kept += der.byteLength
    for (const oldest of this.#octets.keys()) {
      if (this.#kept <= this.#maxKept) return
      this.#forget(oldest)
    }
  }

  #drop(place: Place): void {
    this.#lists.delete(nameOf(place))
    this.#forget(nameOf(place))
  }

  #forget(name: string): void {
    this.#kept -= this.#octets.get(name)?.byteLength ?? 0
    this.#octets.delete(name)
  }
}

type Place = Pick<ListHead, 'slot' | 'scope'>

function nameOf({ slot, scope }: Place): string {
  return `${slot} ${scope}`
}
