import { bundlePace, type Config, PROBE, type Requirement } from '@datapunk/protocol'
import { slotInUse } from '../engine/slots.ts'
import { crowdedLogs } from '../scts/crowded-logs.ts'
import { isLiving } from '../scts/submit.ts'
import { type Constraints, parseConstraints, permittedPart } from '../services/constraints.ts'
import { withProbe } from '../services/probe-service.ts'
import {
  bearsOnlyOwnNames,
  changedFields,
  isAsAsked,
  isAsWanted,
  type Settings,
  settingsOf,
} from '../services/settings.ts'
import type { CertificateRow, ServiceDeed, SlotKind, SlotRow } from '../store/rows.ts'
import { DAY } from '../time.ts'
import { isMadeAhead, latestAfter } from '../timing/issued-ahead.ts'
import { isHeld } from './held.ts'
import type { Inventory, InventoryInstance } from './inventory.ts'
import { wantedScts } from './plan-scts.ts'
import { planRoll, type RollPlan } from './roll-plan.ts'
import { type RollStep, type RollWait, rollStepKinds } from './roll-step.ts'
import { type Safety, serviceChanges } from './service-changes.ts'

/** What must be done to make what is into what should be. */
export interface Plan extends Omit<RollPlan, 'step'> {
  readonly actions: readonly Action[]
}

export type Action = ServiceAction | InstanceAction | MeshAction | RollAction

interface ActionBase {
  /** The service, or `mesh`. */
  readonly subject: string
  readonly safety: Safety
  /** For people: why. */
  readonly reason: string
}

/** Changes what the mesh holds a service to. */
export interface ServiceAction extends ActionBase {
  readonly kind: ServiceDeed
  /** The settings that change, and to what. */
  readonly settings: Partial<Settings>
  /** `rename-service`: the service it was before. */
  readonly from?: string
}

/**
 * `issue`: it has no certificate that will do. `renew`: it has, and gets its next one in good time, as many at once as the
 * config allows. `make-next-key`: the certificate is good, but there is no key for the next one. `link-files`: the pair is
 * good, but `cert` or `key` of the config do not lead to it.
 */
export interface InstanceAction extends ActionBase {
  readonly kind: 'issue' | 'renew' | 'make-next-key' | 'link-files'
  readonly instance: string
}

export interface MeshAction extends ActionBase {
  readonly kind: 'create-mesh' | 'change-transparency' | 'change-pinning' | 'publish'
  /** `change-transparency`: what peers are told of certificates that are not logged; absent: nothing. */
  readonly scts?: Requirement
  /** `publish`: only because of the other actions; without them there is nothing new to say. */
  readonly follows?: true
}

export type RollAction = ActionBase & RollStep

/**
 * Compares what should be with what is. Pure and total: it reads no clock and no disk, and answers for every config and
 * every inventory.
 *
 * @param now milliseconds since the epoch
 * @param without as `planRoll` says
 * @returns the actions, in the order in which `apply` takes them
 */
export function plan(
  written: Config,
  inventory: Inventory,
  now: number,
  without: readonly RollStep[] = [],
): Plan {
  const config = withProbe(written, inventory.services.get(PROBE)?.row)
  const { actions, ...roll } = planMesh(config, inventory, now, without)
  if (isMute(inventory, roll.asks)) return { actions, ...roll }
  const { changed, due } = compareServices(config, inventory, { ...roll, now })
  for (const action of planServices(changed, config, inventory)) actions.push(action)
  for (const action of changeOfPinning(config, inventory)) actions.push(action)
  for (const action of due) actions.push(action)
  const publish = planPublication(config, inventory, actions, now)
  if (publish !== undefined) actions.push(publish)
  return { actions, ...roll, waits: [...roll.waits, ...waitForPins(inventory)] }
}

const STRICTNESS = { off: 0, report: 1, required: 2 } as const

/** Whether keys are pinned is a requirement of the mesh: it is not lowered without being asked for. */
function changeOfPinning({ pinning: wanted }: Config, { pinning }: Inventory): MeshAction[] {
  if (pinning === undefined || pinning === wanted) return []
  const safety = STRICTNESS[wanted] < STRICTNESS[pinning] ? 'destructive' : 'safe'
  return [
    { kind: 'change-pinning', subject: 'mesh', safety, reason: `pinning: ${pinning} becomes ${wanted}` },
  ]
}

/** A check newly made `required` turns on by itself, once everybody knows what it is about. */
function waitForPins({ pinsLate }: Inventory): RollWait[] {
  return pinsLate === undefined ? [] : [{ stage: 'require', slot: 'pins', ...pinsLate }]
}

/** What the issuing CA in use may sign for, while the next one has to wait; undefined where there is nothing that it may not. */
function limitsMeanwhile(
  { issuingConstraints, slots }: Inventory,
  { asks, waits }: Pick<Plan, 'asks' | 'waits'>,
): Constraints | undefined {
  const kinds = new Map(slots.map(({ id, kind }) => [id, kind]))
  const isOfCa = ({ stage, slot }: RollWait) => {
    const kind = kinds.get(slot)
    return stage === 'prepare' || (stage === 'distribute' && (kind === 'issuing-ca' || kind === 'root'))
  }
  const isWaiting = asks.length > 0 || waits.some(isOfCa)
  return isWaiting && issuingConstraints !== undefined ? parseConstraints(issuingConstraints) : undefined
}

/**
 * Whether a new bundle key signs already, as after a restore, and the trust statement that names it waits for the key of a root.
 * Until then whatever is published would be refused, so nothing changes that peers would have to hear of.
 */
export function isMute({ bundleKeyTrusted }: Inventory, asks: Plan['asks']): boolean {
  return !bundleKeyTrusted && asks.some(({ step }) => step.kind === 'publish-trust-statement')
}

function planMesh(
  config: Config,
  inventory: Inventory,
  now: number,
  without: readonly RollStep[],
): Plan & { actions: Action[] } {
  const mesh = { subject: 'mesh', safety: 'safe' } as const
  const has = (kind: SlotKind) => slotInUse(inventory.slots, kind) !== undefined
  // After a restore an issuing CA may have to be made anew.
  const canIssue = has('issuing-ca') || inventory.bundle !== undefined
  const founded = has('root') && canIssue && has('bundle-key')
  if (!founded) {
    const reason = `there is no root, issuing CA and bundle key for ${config.trustDomain} yet`
    return { actions: [{ ...mesh, kind: 'create-mesh', reason }], waits: [], asks: [], takeAway: [] }
  }
  const { step, ...roll } = planRoll(config, inventory, now, without)
  const actions: Action[] = step === undefined ? [] : [{ ...mesh, ...step }]
  return { actions: [...actions, ...planScts(config, inventory, now)], ...roll }
}

function planScts(config: Config, inventory: Inventory, now: number): MeshAction[] {
  const before = inventory.mesh?.scts
  const wanted = wantedScts(config, inventory, now)
  if (wanted === before) return []
  const lowers = before === 'required' || wanted === undefined
  const reason =
    wanted === 'required'
      ? 'every certificate in use is logged, and every live peer knows the log'
      : `the config says transparency: ${config.transparency}`
  const scts = wanted && { scts: wanted }
  return [
    {
      kind: 'change-transparency',
      subject: 'mesh',
      safety: lowers ? 'destructive' : 'safe',
      reason,
      ...scts,
    },
  ]
}

const NO_NEXT_KEY = 'the key of its next certificate is not made, or not whole'
const NOT_LINKED = 'the paths in the config do not lead to its pair'

/** A service that is not what the config wants it to be. */
interface Changed {
  readonly service: string
  readonly wanted: Settings
  /** What it is a member with; absent where it is none. */
  readonly applied: Settings | undefined
}

/** One look at each service: what changes, and which instances need a certificate once it has. */
function compareServices(
  config: Config,
  inventory: Inventory,
  { now, ...roll }: Pick<Plan, 'asks' | 'waits'> & { readonly now: number },
): { changed: readonly Changed[]; due: readonly InstanceAction[] } {
  const changed: Changed[] = []
  const due: InstanceAction[] = []
  const context = needContext(config, inventory, now)
  const limits = limitsMeanwhile(inventory, roll)
  const add = (kind: InstanceAction['kind'], subject: string, instance: string, reason: string) =>
    due.push({ kind, subject, instance, safety: 'safe', reason })
  for (const service of config.services.values()) {
    const name = service.service
    const known = inventory.services.get(name)
    if (known?.row.state !== 'member') {
      const wanted = settingsOf(config, service)
      changed.push({ service: name, wanted, applied: undefined })
      const mayHave = known?.row.barredAt === undefined && permittedNow(limits, wanted) !== undefined
      if (mayHave) add('issue', name, name, 'it is new')
      continue
    }
    const asWanted = isAsWanted(known.settings, config, service)
    const wanted = asWanted ? known.settings : settingsOf(config, service)
    if (!asWanted) changed.push({ service: name, wanted, applied: known.settings })
    if (known.row.barredAt !== undefined) continue
    const permitted = permittedNow(limits, wanted)
    for (const instance of known.instances) {
      const need = permitted && needOf(permitted, instance, context)
      if (need !== undefined) add(need.kind, name, instance.row.id, need.reason)
      else {
        if (!instance.nextKey) add('make-next-key', name, instance.row.id, NO_NEXT_KEY)
        if (!instance.linked) add('link-files', name, instance.row.id, NOT_LINKED)
      }
    }
  }
  return { changed, due }
}

function permittedNow(limits: Constraints | undefined, wanted: Settings): Settings | undefined {
  return limits === undefined ? wanted : permittedPart(limits, wanted)
}

function planServices(
  changed: readonly Changed[],
  config: Config,
  inventory: Inventory,
): readonly ServiceAction[] {
  const actions: ServiceAction[] = []
  const removed = [...inventory.services.values()].filter(
    ({ row }) => row.state === 'member' && !config.services.has(row.service),
  )
  const leaving = ownersOf(removed.map(({ row, settings }) => [row.service, settings]))
  const staying = ownersOf(changed.map(({ service, applied }) => [service, applied]))
  const taken = new Map([...staying, ...leaving])
  const renamed = new Set<string>()
  for (const { service, wanted, applied } of changed) {
    if (applied !== undefined) {
      for (const action of changes(service, applied, wanted, taken)) actions.push(action)
      continue
    }
    const from = formerOwner(wanted, leaving)
    if (from !== undefined) renamed.add(from)
    const action =
      from === undefined
        ? addition(service, wanted, formerOwner(wanted, staying))
        : renaming(service, wanted, from)
    const isBarred = inventory.services.get(service)?.row.barredAt !== undefined
    actions.push(isBarred ? { ...action, reason: `${action.reason}; ${stillBarred(service)}` } : action)
  }
  for (const { row } of removed) {
    if (renamed.has(row.service)) continue
    const reason =
      'it is no longer in the config: out of the members at once, its certificates are revoked, its files stay until --purge'
    actions.push({
      kind: 'remove-service',
      subject: row.service,
      safety: 'destructive',
      settings: {},
      reason,
    })
  }
  return actions
}

function stillBarred(service: string): string {
  return `it was revoked, and gets no certificate until \`mtls issue ${service}\``
}

/** @param owner a member that lets go of what this one takes over, and stays */
function addition(service: string, settings: Settings, owner: string | undefined): ServiceAction {
  const action = { kind: 'add-service', subject: service, settings } as const
  const reason = 'it is new in the config'
  return owner === undefined
    ? { ...action, safety: 'safe', reason }
    : { ...action, safety: 'destructive', reason: `${reason}, and takes over what ${owner} has` }
}

function renaming(service: string, settings: Settings, from: string): ServiceAction {
  const reason = `it takes over from ${from}, which is no longer in the config and goes out of the members at once`
  return { kind: 'rename-service', subject: service, safety: 'destructive', settings, from, reason }
}

/** Names and files of members that the config may let go of, by name or path, each with the member that has them. */
function ownersOf(
  members: readonly (readonly [service: string, applied: Settings | undefined])[],
): ReadonlyMap<string, string> {
  const owners = new Map<string, string>()
  for (const [service, applied] of members) {
    if (applied !== undefined) for (const claim of claimsOf(applied)) owners.set(claim, service)
  }
  return owners
}

function claimsOf(settings: Settings): string[] {
  return [...settings.dnsNames, ...settings.ipAddresses, settings.cert, settings.key]
}

function formerOwner(
  settings: Settings,
  taken: ReadonlyMap<string, string>,
  except?: string,
): string | undefined {
  for (const claim of claimsOf(settings)) {
    const owner = taken.get(claim)
    if (owner !== undefined && owner !== except) return owner
  }
  return undefined
}

/** Taking over what another member still has is destructive, whatever else the change is; of the probe nobody has to be asked. */
function changes(
  service: string,
  applied: Settings,
  wanted: Settings,
  taken: ReadonlyMap<string, string>,
): ServiceAction[] {
  const takesOver = formerOwner(wanted, taken, service) !== undefined
  return serviceChanges(applied, wanted).map((change) => {
    if (service === PROBE) return { ...change, subject: service, safety: 'safe' }
    const claims = change.kind === 'change-names' || change.kind === 'change-place'
    return { ...change, subject: service, safety: takesOver && claims ? 'destructive' : change.safety }
  })
}

/** What an instance needs, and why. */
export interface Need {
  readonly kind: 'issue' | 'renew'
  readonly reason: string
}

/** What it is judged by, besides itself. */
export interface NeedContext {
  readonly slots: readonly SlotRow[]
  /** `rotation.jitter`. */
  readonly jitter: number
  /** Whether there is a log to go to. */
  readonly logged: boolean
  /** Logs that go once nothing in use is in them. */
  readonly crowded: ReadonlySet<string>
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Whether it was issued while the clock was ahead, and another would not be of the future. */
  readonly isAhead: (certificate: CertificateRow) => boolean
}

export function needContext(config: Config, inventory: Inventory, now: number): NeedContext {
  const { slots, log, cas, bundle } = inventory
  const latest = latestAfter(bundle, now + config.authority.clockSkew)
  const isAhead = (certificate: CertificateRow) => {
    const issuer = cas.get(certificate.slot)
    return issuer !== undefined && isMadeAhead(certificate, issuer, latest)
  }
  const logged = config.transparency !== 'off' && log !== undefined
  return { slots, jitter: config.rotation.jitter, logged, crowded: crowdedLogs(slots), now, isAhead }
}

/** What an instance whose key lives here needs now; undefined where that is nothing. */
export function needOf(
  settings: Settings,
  { row, current, request, pair }: InventoryInstance,
  { slots, jitter, logged, crowded, now, isAhead }: NeedContext,
): Need | undefined {
  const issue = (reason: string): Need => ({ kind: 'issue', reason })
  const renew = (reason: string): Need => ({ kind: 'renew', reason })
  if (row.place !== 'here') return undefined
  if (current === undefined || request === undefined) {
    return issue(pair === undefined ? 'it has no certificate' : `its certificate ${pair} is revoked`)
  }
  if (pair === undefined) return issue('its pair is missing on disk, or not whole')
  if (pair !== current.serial)
    return issue(`its pair on disk is not the one recorded last (${current.serial})`)
  // Whoever put it back wants it as it was.
  const held = isHeld(row, current)
  if (!isAsAsked(request, settings) && !(held && bearsOnlyOwnNames(request, settings))) {
    return issue(`its settings have changed: ${changedFields(request, settings).join(', ')}`)
  }
  const state = slots.find((slot) => slot.id === current.slot)?.state
  if (state !== 'active' && state !== 'retiring') return issue(`its issuing CA ${current.slot} is ${state}`)
  const log = slots.find((slot) => slot.id === current.log)
  if (logged && log !== undefined && !isLiving(log)) return issue(`its log ${log.id} is ${log.state}`)
  if (isAhead(current)) return issue(`it begins at ${timestamp(current.notBefore)}: the clock was ahead`)
  if (now >= current.notAfter) return issue(`it expired at ${timestamp(current.notAfter)}`)
  if (held) return undefined
  if (state === 'retiring') return renew(`its issuing CA ${current.slot} is retiring`)
  if (logged && log === undefined) return renew('it is not logged')
  if (logged && log !== undefined && crowded.has(log.id)) return renew(`its log ${log.id} is one of many`)
  const due = renewalDue(current, settings.renewAt, jitter)
  return now >= due ? renew(`it was due for renewal at ${timestamp(due)}`) : undefined
}

/**
 * When a certificate is to be renewed, milliseconds since the epoch. The jitter is drawn from the serial, which is random: it
 * is the same whenever it is asked for, and no two certificates made together are due together.
 *
 * @param renewAt as a fraction of its life
 * @param jitter how much earlier it may be, as a fraction of its life
 */
export function renewalDue(
  { serial, notBefore, notAfter }: Pick<CertificateRow, 'serial' | 'notBefore' | 'notAfter'>,
  renewAt: number,
  jitter: number,
): number {
  const drawn = Number.parseInt(serial.slice(-8), 16) / 2 ** 32
  return notBefore + (renewAt - jitter * drawn) * (notAfter - notBefore)
}

/** When a bundle is signed anew. */
export function bundleDue(config: Config, issuedAt: number): number {
  return issuedAt + bundlePace(config.authority.bundleDays * DAY)
}

function planPublication(
  config: Config,
  inventory: Inventory,
  actions: readonly Action[],
  now: number,
): MeshAction | undefined {
  const publish = (reason: string): MeshAction => ({
    kind: 'publish',
    subject: 'mesh',
    safety: 'safe',
    reason,
  })
  const { bundle } = inventory
  if (bundle === undefined) return publish('there is no bundle yet')
  if (!inventory.published) return publish('what is published is not what the inventory says')
  if (now >= bundleDue(config, bundle.issuedAt))
    return publish(`the bundle is of ${timestamp(bundle.issuedAt)}`)
  if (actions.every((action) => 'instance' in action || isRollStep(action))) return undefined
  const isOfMembers = actions.some((action) => 'settings' in action)
  const what = isOfMembers ? 'the members or their rights change' : 'what is asked of keys changes'
  return { ...publish(what), follows: true }
}

/** Steps of roll-overs publish by themselves what they change. */
export function isRollStep(action: Action): action is RollAction {
  return (rollStepKinds as readonly string[]).includes(action.kind)
}

/** What is left of a plan where the destructive actions are declined. */
export function safePart(actions: readonly Action[]): Action[] {
  const safe = actions.filter((action) => action.safety === 'safe')
  const follows = (action: Action) => 'follows' in action
  return safe.some((action) => !('instance' in action) && !follows(action))
    ? safe
    : safe.filter((action) => !follows(action))
}

function timestamp(time: number): string {
  return new Date(time).toISOString()
}
