import { type ApplyReport, apply } from '../applying/apply.ts'
import type { Engine } from '../engine/engine.ts'
import { requireMesh } from '../engine/no-mesh.ts'
import type { RollWait, RootKeyAsk } from '../planning/roll-step.ts'
import { beginRoll, onlyLeavesOut } from '../rollover/begin.ts'
import { compromise } from '../rollover/compromise.ts'
import { checkLeftOut } from '../rollover/left-out.ts'
import type { SlotKind, SlotRow, SlotState } from '../store/rows.ts'
import { checkRotatable, type Rotated, resumeRotation, rotateAnew, rotateBack } from './rotate-pair.ts'

/** What somebody asks to be replaced before it is due. */
export type RotateRequest =
  /** Every instance's pair, or those of one service; `without`: instances that are not waited for. */
  | {
      readonly what: 'pairs'
      readonly service?: string | undefined
      readonly without?: readonly string[] | undefined
    }
  /** The previous pair of a service, put back; its automatic renewal is held until it is resumed. */
  | { readonly what: 'back'; readonly service: string }
  | { readonly what: 'resume'; readonly service: string }
  /** A CA or the bundle key, by the stages of story 5; `without`: instances that are not waited for. */
  | { readonly what: SlotKind; readonly without: readonly string[] }
  /** The same in an emergency: the key is in other hands, and nobody is waited for. */
  | { readonly what: 'compromised'; readonly kind: SlotKind }

export interface RotateReport {
  readonly rotated: readonly Rotated[]
  readonly failed: readonly { readonly instance: string; readonly message: string }[]
  /** Of a CA or key: the slots that are on their way, with their states. */
  readonly slots: readonly { readonly slot: string; readonly state: SlotState }[]
  /** Whom that waits for. */
  readonly waits: readonly RollWait[]
  /** What that needs the keys of roots for that are away. */
  readonly asks: readonly RootKeyAsk[]
}

/** What a rotation would touch, before it is asked for. */
export interface RotatePreview {
  /** Instances whose certificate is replaced. */
  readonly certificates: readonly {
    readonly service: string
    readonly instance: string
    readonly serial: string
  }[]
  /** Live peers that are told, and have to acknowledge. */
  readonly peers: readonly { readonly service: string; readonly instance: string }[]
  /** Open connections, by the peers' reports, that move over. */
  readonly connections: number
  /** Instances that have been heard of, and are not live now. */
  readonly absent: readonly string[]
  /** Instances that have to ask for a new certificate themselves. */
  readonly elsewhere: readonly string[]
}

/** @throws AuthorityError `NO_MESH`, and as what it asks for */
export async function rotate(engine: Engine, request: RotateRequest): Promise<RotateReport> {
  requireMesh(engine)
  const nothing = { rotated: [], failed: [], slots: [], waits: [], asks: [] }
  switch (request.what) {
    case 'pairs':
      return { ...nothing, ...(await rotateAnew(engine, request.service, request.without)) }
    case 'back':
      return { ...nothing, rotated: await rotateBack(engine, request.service) }
    case 'resume':
      return { ...nothing, rotated: await resumeRotation(engine, request.service) }
    case 'compromised':
      await compromise(engine, request.kind)
      return slotReport(engine, await apply(engine, { approve: () => false }))
    default:
      await beginRoll(engine, { kind: request.what, without: request.without })
      return slotReport(engine, await apply(engine, { approve: () => false }))
  }
}

/** What an apply has come to, as far as keys of the authority go over. */
export function slotReport(
  { store }: Pick<Engine, 'store'>,
  { done, failed, waits, asks }: ApplyReport,
): RotateReport {
  const current = new Map(store.currentCertificates().map((row) => [row.instance, row]))
  const rotated = done.flatMap((action) => {
    if (action.kind !== 'issue' && action.kind !== 'renew') return []
    const row = current.get(action.instance)
    return row === undefined
      ? []
      : [{ service: action.subject, instance: action.instance, serial: row.serial, notAfter: row.notAfter }]
  })
  return {
    rotated,
    failed: failed.map(({ action, error }) => ({
      instance: 'instance' in action ? action.instance : action.subject,
      message: error.message,
    })),
    slots: store.slots().flatMap(({ id, state }) => (state === 'retired' ? [] : [{ slot: id, state }])),
    waits,
    asks,
  }
}

/** What `rotate` would touch. Nothing is changed. @throws AuthorityError for names that `rotate` would refuse */
export function previewRotation(engine: Engine, request: RotateRequest): RotatePreview {
  const { store, peers, clock } = engine
  requireMesh(engine)
  if ('service' in request && request.service !== undefined) checkRotatable(engine, request.service)
  if ('without' in request) checkLeftOut(engine, request.without ?? [])
  // What goes on being renewed is not touched by that, nor is anything by whom is waited for.
  if (request.what === 'resume' || isOnlyLeavingOut(store.slots(), request))
    return { certificates: [], peers: [], connections: 0, absent: [], elsewhere: [] }
  const now = clock()
  const members = new Set(
    store
      .services()
      .flatMap(({ service, state, barredAt }) =>
        state === 'member' && barredAt === undefined ? [service] : [],
      ),
  )
  const current = new Map(store.currentCertificates().map((row) => [row.instance, row]))
  const only = 'service' in request ? request.service : undefined
  const issues = issuesAnew(request)
  const touchesPairs = issues || request.what === 'back'
  const instances = store
    .instances()
    .filter(({ service }) => members.has(service) && service === (only ?? service))
  const live = peers.live().filter(({ service }) => members.has(service))
  const told = only === undefined ? live : live.filter(({ service }) => service === only)
  const mine = new Set(instances.flatMap(({ id }) => current.get(id)?.serial ?? []))
  const connections = live.flatMap(({ report }) => report?.connections ?? [])
  const isLive = new Set(live.map(({ instance }) => instance))
  const ids = new Set(instances.map(({ id }) => id))
  return {
    certificates: issues
      ? instances.flatMap(({ id, service, place }) =>
          place === 'here' ? [{ service, instance: id, serial: current.get(id)?.serial ?? '' }] : [],
        )
      : [],
    peers: told.map(({ service, instance }) => ({ service, instance })),
    connections: touchesPairs
      ? connections.filter(({ serial }) => mine.has(serial)).reduce((sum, { count }) => sum + count, 0)
      : 0,
    absent: store
      .acknowledgements()
      .flatMap(({ instance }) => (ids.has(instance) && !isLive.has(instance) ? [instance] : [])),
    elsewhere: instances.flatMap(({ id, place }) => {
      const hasOne = (current.get(id)?.notAfter ?? 0) > now
      return issues && place === 'elsewhere' && hasOne ? [id] : []
    }),
  }
}

function isOnlyLeavingOut(slots: readonly SlotRow[], request: RotateRequest): boolean {
  const isOfPairs = request.what === 'pairs' || request.what === 'back' || request.what === 'resume'
  if (isOfPairs || request.what === 'compromised') return false
  return onlyLeavesOut(slots, { kind: request.what, without: request.without })
}

/** Whether certificates are made in the place of others. */
function issuesAnew(request: RotateRequest): boolean {
  if (request.what === 'compromised') return request.kind !== 'bundle-key'
  return request.what === 'pairs' || request.what === 'issuing-ca' || request.what === 'root'
}
