import type { Reader } from '../store/contract.ts'
import { EntryTable } from './entry-table.ts'
import type { ListedCa } from './listed-cas.ts'

/**
 * The entries of one CA's lists, kept from one list to the next.
 *
 * They can't disagree with the inventory, for the reason that `KeptSection` gives.
 */
export class KeptEntries {
  readonly #store: Pick<Reader, 'revoked'>
  readonly #slot: string
  #table = new EntryTable()
  #last = 0
  #time = Number.NEGATIVE_INFINITY

  constructor(store: Pick<Reader, 'revoked'>, slot: string) {
    this.#store = store
    this.#slot = slot
  }

  /** @param time who has ended by then is asked for no more, milliseconds since the epoch */
  from(time: number): EntryTable {
    if (time < this.#time) {
      this.#table = new EntryTable()
      this.#last = 0
    }
    this.#time = time
    this.#table.dropEnded(time)
    for (const row of this.#store.revoked({ number: this.#last, time: this.#time, slot: this.#slot })) {
      this.#table.add(row)
      this.#last = row.number
    }
    return this.#table
  }
}

const kept = new WeakMap<object, Map<string, KeptEntries>>()

/**
 * The entries that a CA's next lists may have, kept for as long as the inventory is open.
 *
 * @param thisUpdate of the next lists, where they are made now: earlier than that of the last ones where a clock was put right
 */
export function entriesOf(
  store: Reader,
  { slot, lists }: Pick<ListedCa, 'slot' | 'lists'>,
  thisUpdate = Number.POSITIVE_INFINITY,
): EntryTable {
  const ofStore = kept.get(store) ?? new Map<string, KeptEntries>()
  const known = ofStore.get(slot.id) ?? new KeptEntries(store, slot.id)
  kept.set(store, ofStore.set(slot.id, known))
  const made = lists.values().map((list) => list.thisUpdate)
  return known.from(stillListed(Math.min(thisUpdate, ...made)))
}

/**
 * An entry stays until one list after the end of its certificate (RFC 5280 5).
 *
 * @param last when the list before was made, milliseconds since the epoch
 * @returns who has ended by then is not on the next one
 */
export function stillListed(last: number): number {
  return last - 1
}
