import { caCertificate } from '../engine/ca-certificate.ts'
import type { Engine } from '../engine/engine.ts'
import type { Reader } from '../store/contract.ts'
import type { ListHead, SlotRow } from '../store/rows.ts'
import { latestTime } from '../timing/issued-ahead.ts'
import { isAwayRoot } from '../trust/root-keys.ts'
import type { EntryTable } from './entry-table.ts'
import { entriesOf } from './kept-entries.ts'
import { shardIn, shardsOf, WHOLE } from './list-url.ts'
import { type ListedCa, listedCas } from './listed-cas.ts'
import { publishListsOf } from './publish-lists.ts'

/** Of its life; long before its end, whoever reads it has the next one. */
export const RENEWED_AT = 0.5

/** A CA whose lists have to be signed, and why. */
export interface DueList {
  /** The CA whose lists they are. */
  readonly slot: string
  readonly kind: SlotRow['kind']
  /** Which of them (`ListRow.scope`). */
  readonly scopes: readonly string[]
  readonly reason: string
  /** When the first of the lists before them ends, milliseconds since the epoch; undefined where there is none. */
  readonly until: number | undefined
}

type Known = Pick<Engine, 'store' | 'clock' | 'keys' | 'config'>

/** Lists that don't name what is revoked, those that are old, and shards that the config asks for. Deltas come with the next list. */
export function dueLists(known: Known): DueList[] {
  const now = known.clock()
  const latest = latestTime(known)
  return listedCas(known.store).flatMap((ca) => {
    const { id, state, kind } = ca.slot
    // One that was lost with a newer inventory retires, and nobody here can sign for it.
    if (state === 'retiring' && kind === 'issuing-ca' && !known.keys.has(ca.slot)) return []
    // Nobody believes anything under one that has ended, its lists least of all.
    if (now > endOf(ca)) return []
    const lastOf = lastRevocations(ca, known.store)
    const due = scopesOf(ca, known).flatMap((scope) => {
      const reason = whyDue(ca, scope, { last: lastOf(scope), now, latest })
      return reason === undefined ? [] : [{ scope, reason, until: ca.lists.get(scope)?.nextUpdate }]
    })
    if (due.length === 0) return []
    const ends = due.flatMap(({ until }) => until ?? [])
    const others = due.length === 1 ? '' : `, and so are ${due.length - 1} more of its lists`
    return {
      ...{ slot: id, kind, scopes: due.map(({ scope }) => scope), reason: `${due[0]!.reason}${others}` },
      until: ends.length === 0 ? undefined : Math.min(...ends),
    }
  })
}

/** A shard that a certificate may name has a list as long as its CA has one, whatever the config says by now. */
function scopesOf({ slot, lists }: ListedCa, { config }: Known): readonly string[] {
  if (slot.kind !== 'issuing-ca') return [WHOLE]
  const named = lists.keys().filter((scope) => shardIn(scope) !== undefined)
  const wanted = slot.state === 'retiring' ? [] : shardsOf(config)
  return [WHOLE, ...new Set([...named, ...wanted])]
}

/** The number of the last revocation that a list has to name, by its scope. */
function lastRevocations(ca: ListedCa, store: Reader): (scope: string) => number {
  const last = store.lastRevocationOf(ca.slot.id)
  let entries: EntryTable | undefined
  return (scope) => {
    const shard = shardIn(scope)
    if (shard === undefined || last === 0) return last
    entries ??= entriesOf(store, ca)
    return entries.lastOf(shard)
  }
}

/**
 * @param last the number of the last revocation that it has to name
 * @param latest as `latestTime` says
 */
function whyDue(
  ca: ListedCa,
  scope: string,
  { last, now, latest }: { readonly last: number; readonly now: number; readonly latest: number },
): string | undefined {
  const { id } = ca.slot
  const head = ca.lists.get(scope)
  const shard = shardIn(scope)
  const what = shard === undefined ? `the list of ${id}` : `the list of shard ${scope} of ${id}`
  if (head === undefined) return `${id} has no ${shard ? `list of shard ${scope}` : 'revocation list'} yet`
  if (head.revocations < last) return `${what} lacks what was revoked`
  const isGood = now < renewalOf(ca, head) && head.thisUpdate <= latest
  return isGood ? undefined : `${what} is of ${new Date(head.thisUpdate).toISOString()}`
}

/**
 * When the next list is to be made, should nothing be revoked, milliseconds since the epoch. One that lasts as long as its CA is
 * the last: infinity.
 */
export function renewalOf(
  ca: Pick<ListedCa, 'slot'>,
  { thisUpdate, nextUpdate }: Pick<ListHead, 'thisUpdate' | 'nextUpdate'>,
): number {
  return nextUpdate >= endOf(ca)
    ? Number.POSITIVE_INFINITY
    : thisUpdate + RENEWED_AT * (nextUpdate - thisUpdate)
}

function endOf({ slot }: Pick<ListedCa, 'slot'>): number {
  return caCertificate(slot.certificate!).notAfter
}

/**
 * Signs and records the lists that are due, but for those of roots whose keys are away. They are written with everything published.
 *
 * @param of whose lists have to come of it; all, where nothing is said
 * @throws what the first of those failed with, once every other was tried
 */
export async function publishLists(engine: Engine, of?: readonly string[]): Promise<void> {
  const failures: unknown[] = []
  for (const { slot, scopes } of dueLists(engine)) {
    const ca = listedCas(engine.store).find((one) => one.slot.id === slot)
    if (ca === undefined || isAwayRoot(engine, ca.slot)) continue
    try {
      await publishListsOf(engine, ca, scopes)
    } catch (error) {
      if (of === undefined || of.includes(slot)) failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
}
