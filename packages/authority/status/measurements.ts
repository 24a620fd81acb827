import { type DocumentNumber, formatDocumentNumber, PROBE } from '@datapunk/protocol'
import type { ApplyReport } from '../applying/apply.ts'
import { generationFault } from '../backup/generation-fault.ts'
import { caCertificate } from '../engine/ca-certificate.ts'
import type { Engine } from '../engine/engine.ts'
import { haltEvidence } from '../engine/halt.ts'
import type { PeerBook } from '../engine/peer-book.ts'
import { renewalDue } from '../planning/plan.ts'
import { listedCas } from '../revoked/listed-cas.ts'
import { renewalOf } from '../revoked/lists.ts'
import { termsOfServices } from '../services/terms.ts'
import type { AttemptKind, SlotRow, TermRow } from '../store/rows.ts'
import { aheadFault } from '../timing/issued-ahead.ts'
import { hasFailed } from '../timing/pace.ts'
import { type OutageBudget, outageBudgetOf } from './outage-budget.ts'
import { keysSinceBackup } from './status.ts'

/** The mesh in numbers: few, however many services there are. Times in milliseconds since the epoch, spans in milliseconds. */
export interface Measurements {
  /** Why nothing can be published or issued now, and what repairs it; undefined where it can. */
  readonly fault: string | undefined
  readonly halted: boolean
  /** That have a certificate. */
  readonly services: number
  readonly instances: number
  /** The soonest end by kind of certificate. */
  readonly ends: {
    readonly root: number | undefined
    readonly issuingCa: number | undefined
    readonly leaf: number | undefined
    /** Of the certificate that the authority itself shows to peers on other hosts. */
    readonly authority: number | undefined
  }
  /** The services whose certificates end soonest, the soonest first. */
  readonly soonest: readonly { readonly service: string; readonly notAfter: number }[]
  /** For how long the renewal has been due that has been due longest; 0 where none is. */
  readonly renewalOverdue: number
  readonly bundle: { readonly issuedAt: number; readonly expiresAt: number } | undefined
  /** When the first of the revocation lists ends. */
  readonly listEnds: number | undefined
  /** The least share that is left of the life of a list, of those that are followed by another. */
  readonly listLeft: number | undefined
  readonly outage: OutageBudget | undefined
  readonly peers: {
    readonly live: number
    /** Live peers that have not said that they enforce the newest bundle, and for how long the longest has been late. */
    readonly late: number
    readonly lag: number
  }
  /** What failed last time and is tried again: how many instances, and the most failures in a row. */
  readonly backoff: Readonly<Record<AttemptKind, { readonly instances: number; readonly failures: number }>>
  /** Steps that somebody else has to make possible, as the last apply found them. */
  readonly waiting: { readonly peers: number; readonly rootKeys: number; readonly approval: number }
  readonly backedUpAt: number | undefined
  /** Keys that have been made, or have come into use, since then. */
  readonly keysSinceBackup: number
  readonly auditEntries: number
  /** Entries of each transparency log that were compared with what is on record. */
  readonly loggedEntries: readonly { readonly slot: string; readonly entries: number }[]
}

export interface Looks {
  /** How many services are told of each on its own. */
  readonly services: number
  /** What the last apply found. */
  readonly last: Pick<ApplyReport, 'waits' | 'asks' | 'declined'> | undefined
  /** Why the last apply, or a step of a roll-over in it, failed. */
  readonly failure: string | undefined
}

/** Reads the inventory and the peer book, and no disk besides: it is asked for every few seconds. */
export function measure(engine: Engine, { services, last, failure }: Looks): Measurements {
  const { store, clock, peers, ownPair } = engine
  const terms = termsOfServices(store, clock())
  const bundle = store.bundle()
  const slots = store.slots()
  const mesh = store.mesh()
  return {
    fault: authorityFault(engine, failure),
    halted: haltEvidence(engine) !== undefined,
    services: new Set(terms.map(({ service }) => service)).size,
    instances: terms.length,
    ends: {
      root: soonestCaEnd(slots, 'root'),
      issuingCa: soonestCaEnd(slots, 'issuing-ca'),
      leaf: soonestOf(terms.map(({ notAfter }) => notAfter)),
      authority: ownPair.served?.notAfter,
    },
    soonest: soonestServices(terms, services),
    renewalOverdue: renewalOverdue(terms, engine),
    bundle: bundle && { issuedAt: bundle.issuedAt, expiresAt: bundle.expiresAt },
    listEnds: soonestOf(
      listedCas(store).flatMap(({ lists }) => [...lists.values()].map(({ nextUpdate }) => nextUpdate)),
    ),
    listLeft: leastListLeft(engine),
    outage: outageBudgetOf(engine, terms),
    peers: lateness(peers, bundle, clock()),
    backoff: { issue: backoffOf(engine, 'issue'), reload: backoffOf(engine, 'reload') },
    waiting: {
      peers: last?.waits.length ?? 0,
      rootKeys: last?.asks.length ?? 0,
      approval: last?.declined.length ?? 0,
    },
    backedUpAt: mesh?.backedUpAt,
    keysSinceBackup: keysSinceBackup(slots, mesh?.backedUpAt).length,
    auditEntries: store.auditTree().size,
    loggedEntries: slots.flatMap(({ id, kind, state, monitored }) =>
      kind === 'log' && state !== 'retired' ? [{ slot: id, entries: monitored ?? 0 }] : [],
    ),
  }
}

/** Why the authority can't do now what it is there for; undefined where it can. */
export function authorityFault(
  engine: Pick<Engine, 'store' | 'clock' | 'peers' | 'logSeat' | 'config' | 'halting'>,
  failure: string | undefined,
): string | undefined {
  const { store, clock, peers, logSeat, config } = engine
  const halted = haltEvidence(engine)
  if (halted !== undefined)
    return `${halted}: nothing is signed until somebody has looked; see \`mtls restore --continue\``
  const bundle = store.bundle()
  if (bundle === undefined) return 'nothing was published yet: the first apply has not ended'
  if (bundle.expiresAt <= clock()) {
    return `bundle ${formatDocumentNumber(bundle)} ended at ${new Date(bundle.expiresAt).toISOString()}: \`mtls apply\` says why there is no newer one`
  }
  if (!peers.isServed) return 'peers are not let in yet'
  const unpublished = generationFault({ store })
  if (unpublished !== undefined) return unpublished
  const ahead = aheadFault({ store, clock, config })
  if (ahead !== undefined) return ahead.message
  if (failure !== undefined) return failure
  if (store.failure !== undefined) return store.failure.message
  if (config.transparency !== 'off') return logSeat.failure?.message ?? logSeat.unread
  return undefined
}

/** What nobody believes any more may end. */
function soonestCaEnd(slots: readonly SlotRow[], ofKind: SlotRow['kind']): number | undefined {
  return soonestOf(
    slots.flatMap(({ kind, state, certificate }) =>
      kind === ofKind && certificate !== undefined && (state === 'active' || state === 'prepared')
        ? [caCertificate(certificate).notAfter]
        : [],
    ),
  )
}

/** The last list of a CA lasts as long as that, and ends with it. */
function leastListLeft({ store, clock }: Engine): number | undefined {
  const now = clock()
  return soonestOf(
    listedCas(store).flatMap((ca) =>
      [...ca.lists.values()]
        .filter((list) => renewalOf(ca, list) !== Number.POSITIVE_INFINITY)
        .map(({ thisUpdate, nextUpdate }) => (nextUpdate - now) / (nextUpdate - thisUpdate)),
    ),
  )
}

function soonestOf(times: readonly number[]): number | undefined {
  return times.length === 0 ? undefined : times.reduce((a, b) => Math.min(a, b))
}

function soonestServices(terms: readonly TermRow[], services: number): Measurements['soonest'] {
  const ends = new Map<string, number>()
  for (const { service, notAfter } of terms) {
    ends.set(service, Math.min(notAfter, ends.get(service) ?? Number.POSITIVE_INFINITY))
  }
  // A few of many: numbers are sorted far quicker than what they belong to.
  const last = Float64Array.from(ends.values()).sort()[Math.min(services, ends.size) - 1] ?? 0
  return [...ends]
    .filter(([, notAfter]) => notAfter <= last)
    .map(([service, notAfter]) => ({ service, notAfter }))
    .sort((a, b) => a.notAfter - b.notAfter)
    .slice(0, services)
}

/** What rests because somebody put the pair before it back is not overdue. */
function renewalOverdue(terms: readonly TermRow[], { config, clock }: Engine): number {
  const now = clock()
  let longest = 0
  for (const term of terms) {
    if (term.held) continue
    const renewAt = config.services.get(term.service)?.renewAt ?? config.rotation.renewAt
    longest = Math.max(longest, now - renewalDue(term, renewAt, config.rotation.jitter))
  }
  return longest
}

function lateness(
  peers: PeerBook,
  bundle: (DocumentNumber & { readonly issuedAt: number }) | undefined,
  now: number,
): Measurements['peers'] {
  const late = bundle === undefined ? [] : peers.lateFor(bundle)
  // Whoever came after the bundle could not know it before.
  const since = late.map((peer) => Math.max(peer.since, bundle?.issuedAt ?? 0))
  return { live: peers.live().length, late: late.length, lag: Math.max(0, now - (soonestOf(since) ?? now)) }
}

function backoffOf({ store, clock }: Engine, ofKind: AttemptKind): Measurements['backoff'][AttemptKind] {
  const now = clock()
  const failing = store
    .attempts()
    .filter((row) => row.kind === ofKind && row.subject !== PROBE && hasFailed(row, now))
  const failures = failing.reduce((most, { attempts }) => Math.max(most, attempts), 0)
  return { instances: failing.length, failures }
}
