import type { AuthorityEventKind, Engine } from './engine.ts'
import { movePair } from './place.ts'
import type { ServiceAction } from './plan.ts'
import { decodeSettings, encodeSettings, type Settings } from './settings.ts'
import type { ServiceRow } from './store/contract.ts'

/** Records what the mesh holds its services to from now on, all of it in one transaction, and moves files that moved. */
export async function recordSettings(engine: Engine, actions: readonly ServiceAction[]): Promise<void> {
  const { store, clock, actor, report } = engine
  const at = clock()
  const before = new Map(store.services().map((row) => [row.service, row]))
  const rows = new Map(before)
  for (const action of actions) recordAction(rows, action, engine.config.trustDomain, at)
  const touched = new Set(
    actions.flatMap(({ subject, from }) => (from === undefined ? [subject] : [subject, from])),
  )
  const known = new Set(store.instances().map((instance) => instance.id))
  await store.write((transaction) => {
    for (const service of touched) {
      const row = rows.get(service)
      if (row === undefined) continue
      transaction.putService(row)
      if (row.state === 'member' && !known.has(service)) {
        transaction.putInstance({ id: service, service, place: 'here', since: at })
      }
    }
    for (const { subject, kind, reason } of actions) {
      transaction.addAudit({ at, actor, deed: kind, entry: { service: subject, reason } })
    }
  })
  for (const { kind, subject, reason } of actions) {
    if (kind === 'change-place') moveFiles(engine, before.get(subject), rows.get(subject))
    report({ kind: EVENTS[kind], subject, at, detail: { reason } })
  }
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
    spiffeId: `spiffe://${trustDomain}/${subject}`,
    state: kind === 'remove-service' ? 'removed' : 'member',
    settings: encodeSettings(wanted),
    since: added || row === undefined ? at : row.since,
  })
  const former = from === undefined ? undefined : rows.get(from)
  if (former !== undefined) rows.set(former.service, { ...former, state: 'removed', since: at })
}

function moveFiles(engine: Engine, before: ServiceRow | undefined, after: ServiceRow | undefined): void {
  if (before === undefined || after === undefined) return
  movePair(engine, decodeSettings(before.settings), decodeSettings(after.settings), after.service)
}

const EVENTS: Readonly<Record<ServiceAction['kind'], AuthorityEventKind>> = {
  'add-service': 'service-added',
  'rename-service': 'service-added',
  'remove-service': 'service-removed',
  'change-names': 'service-changed',
  'change-certificate': 'service-changed',
  'change-lifetime': 'service-changed',
  'change-callers': 'service-changed',
  'change-tls': 'service-changed',
  'change-place': 'service-changed',
}
