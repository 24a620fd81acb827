import { parseCertificate } from '@datapunk/pki'
import {
  type Config,
  compareDocumentNumbers,
  type DocumentNumber,
  formatDocumentNumber,
  PROBE,
  type Strictness,
} from '@datapunk/protocol'
import { generationFault } from '../backup/generation-fault.ts'
import { undelivered } from '../delivery/deliver.ts'
import { isInside } from '../disk/is-inside.ts'
import type { LivePeer } from '../engine/peer-book.ts'
import { type Upcoming, upcoming } from '../inventory/due.ts'
import { type Observed, takeInventory } from '../inventory/take-inventory.ts'
import type { RootKeyPlace } from '../keys/root-key-place.ts'
import { isSuspended, pinningWanted } from '../pinning/pin-mode.ts'
import { isHeld } from '../planning/held.ts'
import type { InventoryInstance, InventoryService } from '../planning/inventory.ts'
import { plan, renewalDue } from '../planning/plan.ts'
import type { RollWait, RootKeyAsk } from '../planning/roll-step.ts'
import { lostFiles } from '../publishing/published-files.ts'
import { isLiving } from '../scts/submit.ts'
import { goneInstances } from '../services/succession.ts'
import { stateRefusal } from '../state/check-state.ts'
import type { AttemptRow, CertificateRow, SlotRow, SlotState } from '../store/rows.ts'
import { type Ahead, aheadFault } from '../timing/issued-ahead.ts'
import { hasFailed } from '../timing/pace.ts'
import { type OutageBudget, outageBudgetOf } from './outage-budget.ts'

/** The state of the mesh at a glance. Times are milliseconds since the epoch. */
export interface Status {
  readonly trustDomain: string
  /** Absent before the first apply. */
  readonly meshId: string | undefined
  readonly environment: string | undefined
  /** Why nothing is signed or believed now, or a step of a roll-over is not taken, and what repairs it; undefined where all goes on. */
  readonly fault: string | undefined
  /** Whether that is because the state folder is not the newest of its mesh, which `mtls restore --continue` ends. */
  readonly outdated: boolean
  /** What is of the future by this clock, which nothing mends by itself. */
  readonly ahead: Ahead | undefined
  /** The paths of published files that are missing, or not as they were written. */
  readonly lostFiles: readonly string[]
  readonly bundle: string | undefined
  readonly bundleExpiresAt: number | undefined
  /** The passphrase lies beside the keys it protects, or they are stored in clear. */
  readonly keysUnprotected: boolean
  /** The moment that the last backup shows; absent where there is none. */
  readonly backedUpAt: number | undefined
  /** Slots of keys that have been made, or have come into use, since then. */
  readonly keysSinceBackup: readonly string[]
  readonly cas: readonly CaStatus[]
  readonly services: readonly InstanceStatus[]
  readonly transparency: {
    /** What the config says. */
    readonly wanted: Strictness
    /** What peers are told. */
    readonly mode: Strictness
    /** Those that peers believe, or are about to. */
    readonly logs: readonly { readonly slot: string; readonly state: SlotState; readonly origin: string }[]
    /** The URL of the log that certificates go to, where it runs by itself; undefined where the authority is the log too. */
    readonly elsewhere: string | undefined
    /** Why the log can't be had; undefined where it can, or nobody has tried. */
    readonly failure: string | undefined
    /** That what it shows could not be looked at for minutes; undefined where it could, or nobody watches it. */
    readonly unread: string | undefined
    /** Connections that live peers let in, and would have refused were it required. */
    readonly reported: number
  }
  readonly pinning: {
    /** What the config said when it was last applied. */
    readonly wanted: Strictness
    /** What the newest bundle says. */
    readonly mode: Strictness
    /** Until when nobody is refused for his key, because somebody said so. */
    readonly suspendedUntil: number | undefined
    /** Connections that live peers let in, and would have refused were it required. */
    readonly reported: number
  }
  /** How long the mesh goes on if the authority does nothing from now on. */
  readonly outage: OutageBudget | undefined
  /** What the authority has to do next; renewals are with the services. */
  readonly upcoming: readonly Upcoming[]
  /** Steps of roll-overs that can't be taken yet, and whom they wait for. */
  readonly waits: readonly RollWait[]
  /** Steps of roll-overs that can't be taken because keys of roots are away. */
  readonly asks: readonly RootKeyAsk[]
  /** Keys of roots that lie here, and should be away: nothing needs them now. */
  readonly takeAway: readonly RootKeyPlace[]
  /** Open connections, as the live peers report them. */
  readonly links: readonly Link[]
  /** Whether peers can reach the authority that says this, so that `enforced` says something. */
  readonly served: boolean
}

/** Connections that one service has made to another, open now, by the reports of both. */
export interface Link {
  readonly caller: string
  readonly callee: string
  readonly count: number
}

export interface CaStatus {
  readonly slot: string
  readonly kind: SlotRow['kind']
  readonly state: SlotRow['state']
  readonly subject: string
  readonly serial: string
  readonly notBefore: number
  readonly notAfter: number
}

export interface InstanceStatus {
  readonly service: string
  readonly instance: string
  readonly place: 'here' | 'elsewhere'
  readonly names: readonly string[]
  readonly serial: string | undefined
  readonly notBefore: number | undefined
  readonly notAfter: number | undefined
  readonly renewalDue: number | undefined
  /** Of the pair that the paths in the config lead to: `current` is the one recorded last. */
  readonly pair: 'current' | 'other' | 'missing' | 'elsewhere'
  /** It was revoked, and gets no certificate until `mtls issue`. */
  readonly barred: boolean
  /** Its automatic renewal rests (`mtls rotate --back`). */
  readonly held: boolean
  /** Why it could not be issued a certificate, and when that is tried again. */
  readonly failed: { readonly error: string; readonly nextTryAt: number } | undefined
  /** Why whoever reads its files could not be told that they have changed, and when that is tried again. */
  readonly untold: { readonly error: string; readonly nextTryAt: number } | undefined
  /** `proven`: live peers of it have said so. `by-file`: it reads files, and was told of them. */
  readonly delivery: 'proven' | 'by-file' | 'unheard'
  /** Processes of it that speak to the authority now. */
  readonly live: number
  /** What they run, each version once. */
  readonly versions: readonly string[]
  /** Those among them that have reported what they are connected with. */
  readonly reporting: number
  /** The bundle that all of them enforce, as in `1.42`; absent where none has said so. */
  readonly enforced: string | undefined
}

/** @param failure what the last apply failed with, where somebody keeps the mesh */
export function statusOf(engine: Observed, failure?: string): Status {
  const { config, store, clock } = engine
  const inventory = takeInventory(engine)
  const mesh = store.mesh()
  const bundle = store.bundle()
  const asked = {
    config,
    pending: new Set(undelivered(engine)),
    reloads: new Map(store.attempts().flatMap((row) => (row.kind === 'reload' ? [[row.subject, row]] : []))),
    live: Map.groupBy(engine.peers.live(), ({ instance }) => instance),
    heard: new Set(store.acknowledgements().map(({ instance }) => instance)),
    now: clock(),
  }
  const refusal = stateRefusal(engine)
  const ahead = aheadFault(engine)
  const { waits, asks, takeAway } = plan(config, inventory, clock())
  const services = [...inventory.services.values()].flatMap((one) => instanceStatus(one, asked))
  return {
    trustDomain: mesh?.trustDomain ?? config.trustDomain,
    meshId: mesh?.meshId,
    environment: config.environment,
    fault: refusal?.message ?? generationFault(engine) ?? ahead?.message ?? failure ?? store.failure?.message,
    ahead,
    outdated: refusal?.code === 'INVENTORY_OUTDATED',
    lostFiles: inventory.published ? [] : lostFiles(engine),
    bundle: bundle && formatDocumentNumber(bundle),
    bundleExpiresAt: bundle?.expiresAt,
    keysUnprotected: areKeysUnprotected(engine),
    backedUpAt: mesh?.backedUpAt,
    keysSinceBackup: keysSinceBackup(inventory.slots, mesh?.backedUpAt),
    cas: inventory.slots.flatMap(caStatus),
    services,
    pinning: pinningStatus(engine),
    transparency: transparencyStatus(engine),
    outage: outageBudgetOf(engine),
    upcoming: upcoming(engine),
    ...{ waits, asks, takeAway },
    links: linksOf(engine),
    served: engine.peers.isServed,
  }
}

/** Slots of keys that have been made, or have come into use, since the last backup. */
export function keysSinceBackup(slots: readonly SlotRow[], backedUpAt = 0): readonly string[] {
  return slots.flatMap(({ id, kind, state, since }) =>
    kind !== 'log' && (state === 'prepared' || state === 'active') && since > backedUpAt ? [id] : [],
  )
}

function areKeysUnprotected({ config, disk, layout }: Observed): boolean {
  const { storeCaKeysInClear, passphraseFile } = config.authority
  if (storeCaKeysInClear || disk.kindOf(layout.authority.passphrase) !== undefined) return true
  return passphraseFile !== undefined && isInside(passphraseFile, layout.state)
}

function linksOf({ store, peers }: Observed): Link[] {
  const services = new Map(store.instances().map(({ id, service }) => [id, service]))
  const byCaller = new LinkCounts()
  const byCallee = new LinkCounts()
  for (const { service, report } of peers.live()) {
    for (const { serial, count, made } of report?.connections ?? []) {
      const other = services.get(store.certificate(serial)?.instance ?? '')
      if (other === undefined) continue
      // Whoever does not say may have made all of them, or none.
      byCaller.add(service, other, made ?? count)
      byCallee.add(other, service, made === undefined ? count : count - made)
    }
  }
  return byCaller.merged(byCallee)
}

/** How many connections each has made to each, by one of the two ends. */
class LinkCounts {
  readonly #links = new Map<string, Link>()

  add(caller: string, callee: string, count: number): void {
    const key = `${caller} ${callee}`
    if (count > 0) this.#links.set(key, { caller, callee, count: count + (this.#links.get(key)?.count ?? 0) })
  }

  /** Both ends report the same connections; one of them may not be there, or later. */
  merged(other: LinkCounts): Link[] {
    const keys = new Set([...this.#links.keys(), ...other.#links.keys()])
    return [...keys].map((key) => {
      const [one, two] = [this.#links.get(key), other.#links.get(key)]
      return (one?.count ?? 0) >= (two?.count ?? 0) ? one! : two!
    })
  }
}

function pinningStatus(engine: Observed): Status['pinning'] {
  const { store, clock, peers } = engine
  const row = store.pinning()
  const suspendedUntil = isSuspended(row, clock()) ? row?.suspendedUntil : undefined
  const reported = peers.live().reduce((sum, { report }) => sum + (report?.reported.NOT_PINNED ?? 0), 0)
  return { wanted: pinningWanted(engine), mode: row?.mode ?? 'off', suspendedUntil, reported }
}

function transparencyStatus({ config, store, peers, logSeat }: Observed): Status['transparency'] {
  return {
    wanted: config.transparency,
    mode: store.mesh()?.scts ?? 'off',
    logs: store.slots().flatMap((slot) => {
      const { id, kind, state, origin } = slot
      return kind === 'log' && isLiving(slot) ? [{ slot: id, state, origin: origin! }] : []
    }),
    elsewhere: config.authority.log,
    failure: logSeat.failure?.message,
    unread: logSeat.unread,
    reported: peers.live().reduce((sum, { report }) => sum + (report?.reported.NOT_LOGGED ?? 0), 0),
  }
}

interface Asked {
  readonly config: Config
  /** Instances that read files and have not been told of them. */
  readonly pending: ReadonlySet<string>
  /** What has failed of telling them, by instance. */
  readonly reloads: ReadonlyMap<string, AttemptRow>
  readonly live: ReadonlyMap<string, readonly LivePeer[]>
  /** Instances that have ever acknowledged. */
  readonly heard: ReadonlySet<string>
  readonly now: number
}

function instanceStatus(
  { row, settings, instances }: InventoryService,
  { config, pending, reloads, live, heard, now }: Asked,
): InstanceStatus[] {
  // The probe is no service, and late for nobody.
  if (row.state !== 'member' || row.service === PROBE) return []
  const { reload, delivery } = config.services.get(row.service) ?? {}
  return instances
    .filter(isOfUse(instances, now))
    .map(({ row: { id, place, held }, current, pair, linked, failed }) => {
      const own = live.get(id) ?? []
      const told = reload !== undefined && !pending.has(id)
      const untold = pending.has(id) ? reloads.get(id) : undefined
      const isProven = heard.has(id) && delivery !== 'files'
      return {
        service: row.service,
        instance: id,
        place,
        names: settings.dnsNames,
        serial: current?.serial,
        notBefore: current?.notBefore,
        notAfter: current?.notAfter,
        renewalDue: current && renewalDue(current, settings.renewAt, config.rotation.jitter),
        pair: place === 'elsewhere' ? 'elsewhere' : pairState(current, linked ? pair : undefined),
        barred: row.barredAt !== undefined,
        held: isHeld({ held }, current),
        failed:
          failed && hasFailed(failed, now) ? { error: failed.error, nextTryAt: failed.nextTryAt } : undefined,
        untold: untold && { error: untold.error, nextTryAt: untold.nextTryAt },
        delivery: isProven ? 'proven' : told ? 'by-file' : 'unheard',
        live: own.length,
        versions: [...new Set(own.map(({ version }) => version))],
        reporting: own.filter(({ report }) => report !== undefined).length,
        enforced: enforcedBy(own),
      }
    })
}

/** Nobody looks for a key elsewhere that is revoked, or gone. */
function isOfUse(
  instances: readonly InventoryInstance[],
  now: number,
): (instance: InventoryInstance) => boolean {
  const elsewhere = instances.flatMap(({ row, current }) =>
    row.place === 'elsewhere' && current !== undefined ? [{ ...current, instance: row.id }] : [],
  )
  const gone = goneInstances(elsewhere, now)
  return ({ row, current }) => row.place === 'here' || (current !== undefined && !gone.has(row.id))
}

/** The lowest of what they say: the one that all of them enforce. */
function enforcedBy(live: readonly LivePeer[]): string | undefined {
  const numbers = live.map(({ acknowledged }) => acknowledged?.number)
  if (numbers.length === 0 || numbers.includes(undefined)) return undefined
  const lowest = (numbers as DocumentNumber[]).reduce((a, b) => (compareDocumentNumbers(a, b) <= 0 ? a : b))
  return formatDocumentNumber(lowest)
}

function pairState(current: CertificateRow | undefined, found: string | undefined): InstanceStatus['pair'] {
  if (found === undefined) return 'missing'
  return found === current?.serial ? 'current' : 'other'
}

function caStatus({ id, kind, state, certificate }: SlotRow): CaStatus[] {
  if (certificate === undefined) return []
  const { subject, serial, notBefore, notAfter } = parseCertificate(certificate)
  return [{ slot: id, kind, state, subject: subject.toString(), serial, notBefore, notAfter }]
}
