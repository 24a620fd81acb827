import { isDeepStrictEqual } from 'node:util'
import { serviceSpiffeId } from '@datapunk/protocol'
import type { Engine } from '../engine/engine.ts'
import { movePair } from '../engine/place.ts'
import { AuthorityError } from '../error.ts'
import type { AuthorityEventKind } from '../events/event.ts'
import type { ServiceAction } from '../planning/plan.ts'
import { recordRevocation } from '../revoked/record-revocation.ts'
import { decodeSettings, encodeSettings, type Settings } from '../services/settings.ts'
import type { NextKeyRow, ServiceRow } from '../store/rows.ts'

/**
 * Records what the mesh holds its services to from now on, all of it in one transaction. Files that move are moved before:
 * a crash in between leaves the change to be done again, and a service whose files can't be moved keeps its settings.
 *
 * @returns what could not be done, and why
 */
export async function recordSettings(
  engine: Engine,
  actions: readonly ServiceAction[],
): Promise<ReadonlyMap<ServiceAction, Error>> {
  const { store, clock, actor, report, peers } = engine
  const at = clock()
  const rows = new Map(store.services().map((row) => [row.service, row]))
  const failed = moveFiles(engine, actions, rows)
  const done = actions.filter((action) => !failed.has(action))
  const entries = new Map<ServiceAction, Readonly<Record<string, unknown>>>()
  for (const action of done) {
    entries.set(action, entryOf(action, rows.get(action.subject)))
    recordAction(rows, action, engine.config.trustDomain, at)
  }
  const touched = new Set(
    done.flatMap(({ subject, from }) => (from === undefined ? [subject] : [subject, from])),
  )
  // Peers refuse whoever is no member; those who go by lists have to be told.
  const left = [...rows.values()].flatMap(({ service, state }) =>
    touched.has(service) && state === 'removed' ? revocableOf(store, service, at) : [],
  )
  const known = new Set(store.instances().map((instance) => instance.id))
  await store.write((transaction) => {
    for (const service of touched) {
      const row = rows.get(service)
      if (row === undefined) continue
      transaction.putService(row)
      if (row.state === 'member' && !known.has(service)) {
        transaction.putInstance({ id: service, service, place: 'here', since: at, held: undefined })
      }
    }
    for (const row of unknownNextKeys(store, done)) transaction.putNextKey(row)
    for (const [{ kind }, entry] of entries) transaction.addAudit({ at, actor, deed: kind, entry })
    for (const row of left) recordRevocation(transaction, { row, reason: LEFT, at, actor })
  })
  peers.revoked(new Set(left.map(({ serial }) => serial)))
  for (const { kind, subject, reason } of done) {
    report({ kind: EVENTS[kind], subject, at, detail: { reason } })
  }
  for (const { serial, service } of left)
    report({ kind: 'certificate-revoked', subject: service, at, detail: { serial, reason: LEFT } })
  return failed
}

/**
 * Next keys that count as known to nobody again: what their certificates will say is in no bundle yet, and whoever has not
 * heard it would refuse them.
 */
function unknownNextKeys(store: Engine['store'], done: readonly ServiceAction[]): readonly NextKeyRow[] {
  const changed = new Set(
    done.flatMap(({ kind, subject }) =>
      kind === 'change-names' || kind === 'change-certificate' ? [subject] : [],
    ),
  )
  if (changed.size === 0) return []
  const services = new Map(store.instances().map(({ id, service }) => [id, service]))
  return store
    .nextKeys()
    .filter(({ instance }) => changed.has(services.get(instance)!))
    .map((row) => ({ ...row, announced: undefined }))
}

/** RFC 5280 5.3.1: whoever is no member any more has ceased to operate. */
const LEFT = 'cessation-of-operation'

function revocableOf(store: Engine['store'], service: string, now: number) {
  return store
    .instances()
    .filter((instance) => instance.service === service)
    .flatMap(({ id }) => store.revocableOf(id, now).map((row) => ({ ...row, service })))
}

/** What an action changes of the settings, field by field; settings hold no secrets. */
function entryOf({ subject, from, reason, settings }: ServiceAction, row: ServiceRow | undefined) {
  const before: Partial<Settings> = row === undefined ? {} : decodeSettings(row.settings)
  const changes = Object.entries(settings).flatMap(([field, to]) => {
    const was = before[field as keyof Settings]
    return isDeepStrictEqual(was, to) ? [] : [[field, { from: was, to }]]
  })
  return { service: subject, from, reason, changes: Object.fromEntries(changes) }
}

function moveFiles(
  engine: Engine,
  actions: readonly ServiceAction[],
  rows: ReadonlyMap<string, ServiceRow>,
): Map<ServiceAction, Error> {
  const failed = new Map<ServiceAction, Error>()
  for (const action of actions) {
    const row = rows.get(action.subject)
    if (action.kind !== 'change-place' || row === undefined) continue
    const before = decodeSettings(row.settings)
    try {
      movePair(engine, before, { ...before, ...action.settings }, action.subject)
    } catch (error) {
      if (!(error instanceof AuthorityError)) throw error
      failed.set(action, error)
    }
  }
  return failed
}

function recordAction(
  rows: Map<string, ServiceRow>,
  action: ServiceAction,
  trustDomain: string,
  at: number,
): void {
  const { subject, kind, settings, from } = action
  const row = rows.get(subject)
  const added = kind === 'add-service' || kind === 'rename-service'
  const wanted = added ? (settings as Settings) : { ...decodeSettings(row?.settings ?? '{}'), ...settings }
  rows.set(subject, {
    service: subject,
    spiffeId: serviceSpiffeId(trustDomain, subject),
    state: kind === 'remove-service' ? 'removed' : 'member',
    settings: encodeSettings(wanted),
    since: added || row === undefined ? at : row.since,
    // Whoever was revoked and comes back is let in by nobody's edit of the config.
    barredAt: row?.barredAt,
  })
  const former = from === undefined ? undefined : rows.get(from)
  if (former !== undefined) rows.set(former.service, { ...former, state: 'removed', since: at })
}

const EVENTS = {
  'add-service': 'service-added',
  'rename-service': 'service-added',
  'remove-service': 'service-removed',
  'change-names': 'service-changed',
  'change-certificate': 'service-changed',
  'change-lifetime': 'service-changed',
  'change-callers': 'service-changed',
  'change-tls': 'service-changed',
  'change-place': 'service-changed',
} as const satisfies Readonly<Record<ServiceAction['kind'], AuthorityEventKind>>
