import { caCertificate } from '../engine/ca-certificate.ts'
import type { Reader } from '../store/contract.ts'
import { keptPer } from '../store/kept-answer.ts'
import type { ListHead, SlotRow } from '../store/rows.ts'
import { WHOLE } from './list-url.ts'

/** A CA whose certificates somebody may still believe, and its newest lists. */
export interface ListedCa {
  readonly slot: SlotRow
  /** About all of its certificates. */
  readonly list: ListHead | undefined
  /** All of them, by scope. */
  readonly lists: ReadonlyMap<string, ListHead>
}

export function listedCas(store: Reader): readonly ListedCa[] {
  const [slots, lists] = [store.slots(), store.lists()]
  return kept(store).of([slots, lists], () => listedAmong(slots, lists))
}

const kept = keptPer<readonly ListedCa[]>()

function listedAmong(slots: readonly SlotRow[], all: readonly ListHead[]): readonly ListedCa[] {
  const heads = Map.groupBy(all, ({ slot }) => slot)
  return slots.flatMap((slot) => {
    const isCa = slot.kind !== 'bundle-key' && slot.certificate !== undefined
    const isTrusted = slot.state !== 'retired' && slot.state !== 'compromised'
    const lists = new Map((heads.get(slot.id) ?? []).map((head) => [head.scope, head]))
    return isCa && isTrusted ? [{ slot, list: lists.get(WHOLE), lists }] : []
  })
}

/** The last lists of issuing CAs that have retired, as long as no list of their root says so: its key may be away. */
export function lastLists(store: Reader): readonly ListHead[] {
  const [slots, lists] = [store.slots(), store.lists()]
  const whole = new Map(lists.flatMap((head) => (head.scope === WHOLE ? [[head.slot, head]] : [])))
  const unsaid = listedCas(store).flatMap(({ slot, list }) => {
    const said = list?.revocations ?? 0
    if (slot.kind !== 'root' || store.lastRevocationOf(slot.id) === said) return []
    return [...store.revoked({ number: said, time: 0, slot: slot.id })].map(({ serial }) => serial)
  })
  if (unsaid.length === 0) return []
  return slots.flatMap(({ id, kind, state, certificate }) => {
    const isLast = kind === 'issuing-ca' && state === 'retired' && certificate !== undefined
    const list = whole.get(id)
    return isLast && list && unsaid.includes(caCertificate(certificate).serial) ? [list] : []
  })
}
