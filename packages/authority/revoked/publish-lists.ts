import { type CrlRequest, type CrlScope, parseCrl, signCrl } from '@datapunk/pki'
import type { Config } from '@datapunk/protocol'
import { caCertificate } from '../engine/ca-certificate.ts'
import type { Engine } from '../engine/engine.ts'
import type { Reader } from '../store/contract.ts'
import type { ListHead, ListRow, SlotRow } from '../store/rows.ts'
import { DAY } from '../time.ts'
import { latestTime } from '../timing/issued-ahead.ts'
import { entriesOf, stillListed } from './kept-entries.ts'
import { DELTA, hasDelta, listUrl, shardIn, shardsOf, WHOLE } from './list-url.ts'
import type { ListedCa } from './listed-cas.ts'

/**
 * A root may be away for months, and revokes CAs only, which peers and their trust statement know sooner. Days: no list may last
 * longer than a year (BR 4.9.7).
 */
const ROOT_LIST_DAYS = 365

/** Counters of one generation. */
const GENERATION = 2 ** 32

/** A list to be signed, and what is recorded of it. */
interface Draft {
  readonly request: CrlRequest
  readonly head: ListHead
  /** How many entries it has. */
  readonly entries: number
}

/**
 * Signs lists of one CA and records them, all of one number and time (RFC 5280 5.2.3, 5.2.4). With the one about all
 * certificates comes its delta, where there is one.
 */
export async function publishListsOf(engine: Engine, ca: ListedCa, scopes: readonly string[]): Promise<void> {
  const { store, keys, clock, actor, report } = engine
  const slot = ca.slot.id
  const drafts = draftsOf(engine, ca, scopes)
  const rows = await keys.withSigner(ca.slot, async (signer) => {
    const rows: ListRow[] = []
    for (const { head, request } of drafts) rows.push({ ...head, der: await signCrl(request, signer) })
    return rows
  })
  const at = clock()
  const [{ head, entries }] = drafts
  await store.write((transaction) => {
    for (const row of rows) transaction.putList(row)
    transaction.addAudit({
      ...{ at, actor, deed: 'list-published' },
      entry: { slot, number: head.number, lists: rows.length },
    })
  })
  const notAfter = new Date(head.nextUpdate).toISOString()
  report({ kind: 'list-published', subject: 'mesh', at, detail: { slot, entries, notAfter } })
}

function draftsOf(engine: Engine, ca: ListedCa, scopes: readonly string[]): [Draft, ...Draft[]] {
  const { store, config } = engine
  const { slot, lists } = ca
  const issuer = caCertificate(slot.certificate!)
  const now = engine.clock()
  const times = timesOf(ca, issuer.notAfter, engine)
  const number = nextNumber(store, ca)
  const revocations = store.lastRevocationOf(slot.id)
  const { thisUpdate } = times
  const table = entriesOf(store, ca, thisUpdate)
  const isDeltaDue = scopes.includes(WHOLE)
  const base = isDeltaDue ? baseOf(ca, config, now) : undefined
  const draft = (scope: string): Draft => {
    const isDelta = scope === DELTA
    const last = lists.get(isDelta ? WHOLE : scope)?.thisUpdate ?? thisUpdate
    const time = stillListed(Math.min(last, thisUpdate))
    const selection = { number: isDelta ? base!.revocations : 0, time, thisUpdate }
    const listed = table.select(selection, shardIn(scope))
    const hasFreshest = scope === WHOLE && base !== undefined && hasDelta(slot, config)
    return {
      head: { slot: slot.id, scope, number, ...times, revocations, base: isDelta ? base : undefined },
      request: {
        ...{ issuer, number, ...times, entries: listed },
        base: isDelta ? base!.number : undefined,
        scope: shardIn(scope) && shardScope(store, config, slot, scope),
        freshest: hasFreshest ? listUrl(config, slot, DELTA) : undefined,
      },
      entries: listed.reduce((sum, { count }) => sum + count, 0),
    }
  }
  const [first, ...others] = scopes
  return [draft(first!), ...(base === undefined ? [] : [draft(DELTA)]), ...others.map(draft)]
}

/**
 * What a delta is the changes of: the same list until that has ended, then the last one. Whoever read one in between can go
 * on from it. Where deltas are no longer wanted, they are made as long as somebody may ask for them.
 */
function baseOf({ slot, lists }: ListedCa, config: Config, now: number): ListHead['base'] {
  const base = lists.get(DELTA)?.base
  if (base !== undefined && base.nextUpdate > now) return base
  const last = lists.get(WHOLE)
  if (last === undefined || !hasDelta(slot, config)) return undefined
  return { number: last.number, nextUpdate: last.nextUpdate, revocations: last.revocations }
}

/** A shard keeps the URL that its certificates name, whatever the config says by now. */
function shardScope(store: Reader, config: Config, slot: SlotRow, scope: string): CrlScope {
  const uri = shardsOf(config).includes(scope)
    ? listUrl(config, slot, scope)
    : parseCrl(store.list(slot.id, scope)!.der).scope!.uris[0]
  return { uri: uri!, onlyContains: 'user-certificates' }
}

/**
 * Backdated by what clocks differ by: whoever has a list that is not valid yet refuses everybody. Always later than the ones
 * before it, but for those that are of the future.
 */
function timesOf(
  { slot, lists }: ListedCa,
  end: number,
  known: Pick<Engine, 'store' | 'clock' | 'config'>,
): Pick<ListRow, 'thisUpdate' | 'nextUpdate'> {
  const { clock, config } = known
  const seconds = (time: number) => Math.floor(time / 1000) * 1000
  const latest = latestTime(known)
  const before = [...lists.values()].flatMap(({ thisUpdate }) => (thisUpdate <= latest ? [thisUpdate] : []))
  const thisUpdate = Math.max(seconds(clock() - config.authority.clockSkew), Math.max(0, ...before) + 1000)
  const days = slot.kind === 'root' ? ROOT_LIST_DAYS : config.revocation.crlDays
  return {
    thisUpdate,
    nextUpdate: Math.max(thisUpdate + 1000, Math.min(thisUpdate + days * DAY, seconds(end))),
  }
}

/** Generation and counter in one number, so that a restore goes on above whatever was used before. */
function nextNumber(store: Reader, { lists }: ListedCa): number {
  const generation = store.mesh()?.generation ?? 1
  return Math.max(generation * GENERATION, ...lists.values().map(({ number }) => number)) + 1
}
