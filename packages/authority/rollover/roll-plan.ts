import { isDeepStrictEqual } from 'node:util'
import { type Config, compareDocumentNumbers, MAX_ISSUING_CAS } from '@datapunk/protocol'
import type { Inventory } from '../inventory.ts'
import { constraintsOf } from '../issuing/constraints.ts'
import type { RootKeyPlace } from '../keys/root-key-place.ts'
import type { DueList } from '../revocation/lists.ts'
import { slotInUse } from '../slots.ts'
import type { SlotKind, SlotRow } from '../store/rows.ts'
import { crowdedLogs } from '../transparency/crowded-logs.ts'
import { type Late, lateForBundle, lateForReissue, lateForTrust, slotsAbove, type Waiting } from './late.ts'
import { DRAIN_TIME, longestMemory, rollTime } from './lifetimes.ts'

export const rollStepKinds = [
  'prepare',
  'publish-trust-statement',
  'activate',
  'retire',
  'publish-lists',
  'compromise',
] as const

/** One step of a roll-over that can be taken now. */
export type RollStep = PrepareStep | StepOf<'publish-trust-statement'> | SlotsStep | CompromiseStep

interface StepOf<Kind extends (typeof rollStepKinds)[number]> {
  readonly kind: Kind
  /** For people: why. */
  readonly reason: string
}

interface PrepareStep extends StepOf<'prepare'> {
  /** Of which kind. */
  readonly slotKind: SlotKind
}

/** The emergency path. */
interface CompromiseStep extends StepOf<'compromise'> {
  readonly slotKind: SlotKind
  /** Which ones are in other hands. */
  readonly slots: readonly string[]
}

interface SlotsStep extends StepOf<'activate' | 'retire' | 'publish-lists'> {
  /** Which ones, or whose. */
  readonly slots: readonly string[]
}

/** A step that can't be taken yet, and whom it waits for. */
export interface RollWait {
  readonly stage: 'prepare' | 'distribute' | 're-issue' | 'drain' | 'require'
  /** With `prepare`, where there is none yet: its kind. With `require`: `pins`. */
  readonly slot: string
  readonly late: readonly Late[]
  /** When it goes on whoever is late; undefined where it does not, milliseconds since the epoch. */
  readonly until: number | undefined
}

/** A step that can't be taken because keys of roots are away (`authority.root.offline`). */
export interface RootKeyAsk {
  readonly step: RollStep
  /** Those that are away, and where each is looked for. */
  readonly keys: readonly RootKeyPlace[]
  /** When what is in use now ends, milliseconds since the epoch; undefined where nothing ends meanwhile. */
  readonly until: number | undefined
}

export interface RollPlan {
  /** The next step; the one after it is found when it is done. */
  readonly step: RollStep | undefined
  readonly waits: readonly RollWait[]
  readonly asks: readonly RootKeyAsk[]
  /** Keys of roots that lie here, may be away, and are needed by no step. */
  readonly takeAway: readonly RootKeyPlace[]
}

/** A step that roots have to sign. */
interface RootStep {
  readonly step: RollStep
  /** The slots of those roots. */
  readonly roots: readonly string[]
  /** As `RootKeyAsk` says. */
  readonly until: number | undefined
}

/** Of as many issuing CAs as peers are told of, a quarter is left for those that can't wait until another one is dropped. */
const CROWD = (MAX_ISSUING_CAS * 3) / 4

/**
 * Story 5, Roll the root; an issuing CA and a bundle key roll the same way. Pure: what is found on record decides which stage
 * it is at, so that a crash between any two is no special case.
 *
 * 1 prepare → 2 distribute → 3 activate → 4 re-issue every leaf → 5 drain → 6 retire → 7 drop
 *
 * @param without steps that have just failed: another one may be possible
 */
export function planRoll(
  config: Config,
  inventory: Inventory,
  now: number,
  without: readonly RollStep[] = [],
): RollPlan {
  const waits: RollWait[] = []
  const [next, known] = [prepare(config, inventory, now, waits), announce(inventory)]
  // After a restore the bundle key comes first: peers believe nothing that it signs before they know it.
  const lists = inventory.bundleKeyTrusted ? listSteps(inventory) : []
  const log = prepareLog(config, inventory)
  const lost = replaceRevoked(inventory)
  const signed = inventory.bundleKeyTrusted
    ? [...lost, ...next, ...log, ...known, ...lists]
    : [...known, ...lost, ...next, ...log]
  // What waits for the key of a root holds up nothing that needs none.
  const untried = (step: RollStep | undefined) =>
    without.some((one) => isSameStep(one, step)) ? undefined : step
  const step =
    signed.find((one) => untried(one.step) && missingKeys(one, inventory).length === 0)?.step ??
    untried(activate(config, inventory, now, waits)) ??
    untried(retire(config, inventory, now, waits))
  const asks = signed.flatMap((one) => {
    const keys = missingKeys(one, inventory)
    return keys.length === 0 ? [] : [{ step: one.step, keys, until: one.until }]
  })
  const takeAway = signed.some(({ roots }) => roots.length > 0) ? [] : keysThere(inventory)
  return { step, waits, asks, takeAway }
}

/**
 * A revoked issuing CA that is in use still: somebody's `mtls revoke` ended after that was recorded. It goes the emergency path, as it
 * would have then (`compromise.ts`).
 */
function replaceRevoked({ slots, cas, trustSigners }: Inventory): RootStep[] {
  const lost = slots.filter(
    (slot) => slot.kind === 'issuing-ca' && !isGone(slot) && cas.get(slot.id)?.revoked,
  )
  if (lost.length === 0) return []
  const ids = lost.map(({ id }) => id)
  const reason = `${ids.join(' and ')} is revoked, and in use`
  const roots = slots.filter((slot) => slot.kind === 'root' && slot.certificate && !isGone(slot))
  return [
    {
      step: { kind: 'compromise', slotKind: 'issuing-ca', slots: ids, reason },
      roots: [...new Set([...trustSigners, ...roots.map(({ id }) => id)])],
      until: undefined,
    },
  ]
}

function isSameStep(a: RollStep, b: RollStep | undefined): boolean {
  return a.kind === b?.kind && isDeepStrictEqual(targetOf(a), targetOf(b))
}

/** What tells a step from others of its kind. */
export function targetOf(step: RollStep): SlotKind | readonly string[] | undefined {
  if (step.kind === 'prepare') return step.slotKind
  return step.kind === 'publish-trust-statement' ? undefined : step.slots
}

function missingKeys({ roots }: RootStep, { rootKeys }: Inventory): RootKeyPlace[] {
  return roots.flatMap((slot) => {
    const key = rootKeys.get(slot)
    return key === undefined || key.isThere ? [] : [{ slot, path: key.path }]
  })
}

function keysThere({ rootKeys }: Inventory): RootKeyPlace[] {
  return [...rootKeys].flatMap(([slot, { path, isThere }]) => (isThere ? [{ slot, path }] : []))
}

/** 1 The next key, and its certificate; nobody trusts it yet. The first of them that can be taken is. */
function prepare(config: Config, inventory: Inventory, now: number, waits: RollWait[]): RootStep[] {
  const { slots, cas, announced } = inventory
  const steps: RootStep[] = []
  const add = (
    slotKind: SlotKind,
    reason: string,
    roots: readonly (SlotRow | undefined)[],
    until?: number,
  ) => {
    const signers = roots.flatMap((root) => root?.id ?? [])
    steps.push({ step: { kind: 'prepare', slotKind, reason }, roots: signers, until })
  }
  const [root, issuing, bundleKey] = (['root', 'issuing-ca', 'bundle-key'] as const).map((kind) => ({
    active: slotInUse(slots, kind),
    next: slots.find((slot) => slot.kind === kind && slot.state === 'prepared'),
  })) as [Generation, Generation, Generation]
  const wanted = constraintsOf(config)
  const addRoot = (reason: string) => add('root', reason, [root.active, root.next], endOf(root.active, cas))
  const isDue = ({ active }: Generation) => active !== undefined && isTime(active, config, inventory, now)
  if (root.next === undefined && isDue(root))
    addRoot(`${root.active?.id} has lived for two thirds of its life`)
  if (root.next !== undefined && root.next.certificate === undefined)
    addRoot(`${root.next.id} has no certificate yet`)
  else if (root.next !== undefined && !inventory.rootsVouched)
    addRoot(`${root.next.id} and ${root.active?.id} have yet to vouch for each other`)
  const parent = root.next ?? root.active
  const addIssuing = (reason: string) =>
    add('issuing-ca', reason, [parent], reason === OTHER_CONSTRAINTS ? undefined : endOf(issuing.active, cas))
  if (issuing.next !== undefined) {
    const facts = cas.get(issuing.next.id)
    if (facts === undefined) addIssuing(`${issuing.next.id} has no certificate yet`)
    else if (facts.signer !== parent?.id) addIssuing(`${issuing.next.id} is to be under ${parent?.id}`)
    // Whoever knows it already would go by what it allowed then. It takes its turn, and another one follows it.
    else if (facts.constraints !== wanted && !announced.has(issuing.next.id)) addIssuing(OTHER_CONSTRAINTS)
  } else if (root.next !== undefined) addIssuing(`${root.next.id} needs one under it`)
  else if (issuing.active === undefined) addIssuing('none is in use that peers trust')
  else if (isDue(issuing)) addIssuing(`${issuing.active.id} will not outlive the certificates it would sign`)
  else if (inventory.issuingConstraints !== wanted) {
    const crowd = waitOfCrowd(config, inventory, now)
    if (crowd === undefined) addIssuing(OTHER_CONSTRAINTS)
    else waits.push(crowd)
  }
  if (bundleKey.next === undefined && isDue(bundleKey))
    add('bundle-key', `${bundleKey.active?.id} is a year old`, [])
  return steps
}

/**
 * Whoever has a key elsewhere holds the issuing CA that it has a certificate of, maybe for a year; and each change of the addresses
 * that services have makes another one.
 *
 * @returns whom the next one waits for; undefined where there is room
 */
function waitOfCrowd(config: Config, inventory: Inventory, now: number): RollWait | undefined {
  if (!isCrowded(inventory.slots)) return undefined
  const memory = longestMemory(config)
  const late = inventory.slots
    .filter(({ kind }) => kind === 'issuing-ca')
    .filter(({ state }) => state === 'retiring')
    .flatMap(({ id, leftOut }) => lateUnder(id, inventory, { now, memory, leftOut }))
  const each = new Map(late.map((one) => [one.instance, one]))
  return { stage: 'prepare', slot: 'issuing-ca', late: [...each.values()], until: undefined }
}

/** Whether a trust statement names as many issuing CAs as it is to. */
export function isCrowded(slots: readonly SlotRow[]): boolean {
  return slots.filter((slot) => slot.kind === 'issuing-ca' && !isGone(slot)).length >= CROWD
}

/** Another log than the one in use. */
function prepareLog({ transparency }: Config, { slots, log }: Inventory): RootStep[] {
  const isKnown = slots.some(({ kind, spkiHash }) => kind === 'log' && spkiHash === log)
  if (transparency === 'off' || log === undefined || isKnown) return []
  const reason = 'certificates go to a log that no peer knows'
  return [{ step: { kind: 'prepare', slotKind: 'log', reason }, roots: [], until: undefined }]
}

/** Nothing that it signs would be believed. Only certificates end. */
export function hasEnded(slot: SlotRow, cas: Inventory['cas'], now: number): boolean {
  return now >= (endOf(slot, cas) ?? Number.POSITIVE_INFINITY)
}

function endOf(slot: SlotRow | undefined, cas: Inventory['cas']): number | undefined {
  return slot && cas.get(slot.id)?.notAfter
}

const OTHER_CONSTRAINTS =
  'the domains and addresses that services may have are not those the issuing CA may sign for'

interface Generation {
  readonly active: SlotRow | undefined
  readonly next: SlotRow | undefined
}

/** 2 Peers are told: a trust statement that says what the slots say, and a bundle that names it. */
function announce(inventory: Inventory): RootStep[] {
  const { trustStatementCurrent, trustSigners, bundleKeyTrusted, bundle, slots, announced } = inventory
  if (trustStatementCurrent) return []
  const publish = (reason: string, until: number | undefined): RootStep[] => [
    { step: { kind: 'publish-trust-statement', reason }, roots: trustSigners, until },
  ]
  if (!bundleKeyTrusted)
    return publish(
      'peers do not know the bundle key yet, and believe nothing before they do',
      bundle?.expiresAt,
    )
  const coming = slots.filter(({ id, state }) => state === 'prepared' && !announced.has(id))
  return coming.length === 0
    ? publish('the newest trust statement still names what is no longer in use', undefined)
    : publish(
        `peers do not know ${coming.map(({ id }) => id).join(' and ')} yet`,
        endOfReplaced(coming, inventory),
      )
}

/** Of the CAs whose successors wait to be made known, the first to end. */
function endOfReplaced(coming: readonly SlotRow[], { slots, cas }: Inventory): number | undefined {
  const ends = slots
    .filter(({ kind, state }) => state === 'active' && coming.some((next) => next.kind === kind))
    .flatMap((slot) => endOf(slot, cas) ?? [])
  return ends.length === 0 ? undefined : Math.min(...ends)
}

/** Besides, what each CA has revoked: the issuing CAs in one step, a root in one that may have to wait for its key. */
function listSteps({ dueLists }: Inventory): RootStep[] {
  const publish = (due: readonly DueList[], roots: readonly string[]): RootStep[] => {
    if (due.length === 0) return []
    const reason = due.map((one) => one.reason).join('; ')
    const ends = due.flatMap(({ until }) => until ?? [])
    const until = ends.length === 0 ? undefined : Math.min(...ends)
    const slots = due.map(({ slot }) => slot)
    return [{ step: { kind: 'publish-lists', slots, reason }, roots, until }]
  }
  const ofRoots = dueLists.filter(({ kind }) => kind === 'root')
  const others = dueLists.filter(({ kind }) => kind !== 'root')
  return [...publish(others, []), ...ofRoots.flatMap((due) => publish([due], [due.slot]))]
}

/** As what a roll-over waits for: it has no instance. */
export const LOG = 'the log'

/** 3 Once every live peer knows it, it signs; what signed before it retires. */
function activate(
  config: Config,
  { slots, cas, announced, bundle, witnesses, logRoots }: Inventory,
  now: number,
  waits: RollWait[],
): RollStep | undefined {
  const prepared = slots.filter((slot) => slot.state === 'prepared' && slot.kind !== 'root')
  const memory = longestMemory(config)
  for (const slot of prepared) {
    const trust = announced.get(slot.id)
    if (trust === undefined) continue
    const until = trust.issuedAt + memory
    const root = slots.find(({ id, state }) => id === cas.get(slot.id)?.signer && state === 'prepared')
    const leftOut = [...slot.leftOut, ...(root?.leftOut ?? [])]
    const isNamed = bundle !== undefined && compareDocumentNumbers(bundle.trustStatement, trust.number) >= 0
    const asked = { now, expired: now > until, memory, leftOut }
    // Where nothing can sign, as after a restore, or when the CA in use has ended, nobody is waited for.
    const isReplaced = slots.some(
      (other) => other.kind === slot.kind && other.state === 'active' && !hasEnded(other, cas, now),
    )
    const late = isReplaced ? [...lateForTrust(witnesses, trust.number, asked)] : []
    // The log refuses what stands under a root that it does not know, however long that was waited for.
    if (config.transparency !== 'off' && root !== undefined && !logRoots.has(root.spkiHash))
      late.push({ instance: LOG, reason: `does not take what stands under ${root.id} yet` })
    if (isNamed && late.length === 0) {
      const ids = root === undefined ? [slot.id] : [root.id, slot.id]
      return { kind: 'activate', slots: ids, reason: `every live peer knows ${ids.join(' and ')}` }
    }
    waits.push({ stage: 'distribute', slot: (root ?? slot).id, late, until })
  }
  return undefined
}

/** 4 to 6 What retires is dropped once no live chain, and no open connection, needs it. */
function retire(config: Config, inventory: Inventory, now: number, waits: RollWait[]): RollStep | undefined {
  const issuingCas = retireIssuingCas(config, inventory, now, waits)
  const done = [
    ...issuingCas,
    ...retireRoots(inventory, issuingCas),
    ...retireBundleKeys(config, inventory, now, waits),
    ...retireLogs(config, inventory, now, waits),
  ]
  if (done.length === 0) return undefined
  return { kind: 'retire', slots: done, reason: `nothing in use needs ${done.join(' and ')} any more` }
}

/** @returns the slots that are done, as do the next three */
function retireIssuingCas(config: Config, inventory: Inventory, now: number, waits: RollWait[]): string[] {
  const { witnesses } = inventory
  const memory = longestMemory(config)
  const done: string[] = []
  for (const { id, toldIn, leftOut } of retiring('issuing-ca', inventory)) {
    // 4 Re-issue: whatever is still in use under it. The plan's other half issues; keys elsewhere have to ask.
    const late = lateUnder(id, inventory, { now, memory, leftOut })
    if (late.length > 0) {
      waits.push({ stage: 're-issue', slot: id, late, until: undefined })
      continue
    }
    // 5 Drain: peers move connections under it over to new ones.
    if (toldIn === undefined) continue
    const until = toldIn.at + DRAIN_TIME
    const open = witnesses.live
      .filter(({ connections }) => connections.has(id))
      .map(({ instance, connections }) => ({
        instance,
        reason: `has ${connections.get(id)} connections under it`,
      }))
    const waiting = [...lateForBundle(witnesses, toldIn, { now, memory, leftOut }), ...open]
    if (now < until && (waiting.length > 0 || witnesses.state !== 'complete'))
      waits.push({ stage: 'drain', slot: id, late: waiting, until })
    else done.push(id)
  }
  return done
}

/** A root goes with the last issuing CA under it. */
function retireRoots(inventory: Inventory, going: readonly string[]): string[] {
  const { slots, cas } = inventory
  const isEmpty = ({ id }: SlotRow) =>
    slots
      .filter((slot) => cas.get(slot.id)?.signer === id && slot.kind === 'issuing-ca')
      .every((slot) => going.includes(slot.id) || isGone(slot))
  return retiring('root', inventory)
    .filter(isEmpty)
    .map(({ id }) => id)
}

/** Once every live peer has the bundle that told it to let go of a bundle key, nobody needs that. */
function retireBundleKeys(config: Config, inventory: Inventory, now: number, waits: RollWait[]): string[] {
  const memory = longestMemory(config)
  const done: string[] = []
  for (const { id, toldIn, leftOut } of retiring('bundle-key', inventory)) {
    const late =
      toldIn === undefined ? [] : lateForBundle(inventory.witnesses, toldIn, { now, memory, leftOut })
    if (toldIn === undefined || late.length > 0)
      waits.push({ stage: 'drain', slot: id, late, until: undefined })
    else done.push(id)
  }
  return done
}

/**
 * A log is believed until the last certificate that it holds has ended; one of many, until nothing in use is in it: what a
 * peer has found in it by then it believes on.
 */
function retireLogs(config: Config, inventory: Inventory, now: number, waits: RollWait[]): string[] {
  const memory = longestMemory(config)
  const crowded = config.transparency === 'off' ? new Set() : crowdedLogs(inventory.slots)
  const hasRunOut = (slot: SlotRow) => isTime(slot, config, inventory, now) && !isInUse(slot, inventory, now)
  const done: string[] = []
  for (const slot of retiring('log', inventory)) {
    const { id, leftOut } = slot
    const late = crowded.has(id) ? lateUnder(id, inventory, { now, memory, leftOut }) : []
    if (late.length > 0) waits.push({ stage: 're-issue', slot: id, late, until: undefined })
    else if (crowded.has(id) || hasRunOut(slot)) done.push(id)
  }
  return done
}

function retiring(kind: SlotKind, { slots }: Inventory): SlotRow[] {
  return slots.filter((slot) => slot.kind === kind && slot.state === 'retiring')
}

/** Whether a member has a certificate in this log that has not ended. */
function isInUse({ id }: SlotRow, { services }: Inventory, now: number): boolean {
  return services
    .values()
    .filter(({ row }) => row.state === 'member')
    .some(({ instances }) => instances.some(({ current }) => current?.log === id && current.notAfter > now))
}

/** Who has, or shows, a certificate that this issuing CA has signed, or that is in this log. */
function lateUnder(
  slot: string,
  { services, witnesses, authorityUnder, operatorTerms }: Inventory,
  asked: Omit<Waiting, 'expired'>,
): readonly Late[] {
  const { now, leftOut } = asked
  const late: Late[] = []
  for (const { row, instances } of services.values()) {
    for (const { row: instance, current } of row.state === 'member' ? instances : []) {
      // A pair is in use until its service is seen to have taken up the next.
      if (current === undefined || current.notAfter <= now || leftOut.includes(instance.id)) continue
      if (!slotsAbove(current).includes(slot)) continue
      const reason =
        instance.place === 'here' ? 'has a certificate of it' : 'has to ask for a new certificate'
      late.push({ instance: instance.id, reason })
    }
  }
  // What was issued anew may not be shown yet.
  for (const instance of witnesses.undelivered) {
    if (!leftOut.includes(instance)) late.push({ instance, reason: 'has not read its files anew' })
  }
  // Nobody can tell whether a browser still shows one when there is another.
  for (const { operator, serial, under, notAfter } of operatorTerms) {
    if (!under.includes(slot) || notAfter <= now || leftOut.includes(operator)) continue
    const end = new Date(notAfter).toISOString()
    late.push({ instance: operator, reason: `has ${serial} of it until ${end}, or until that is revoked` })
  }
  if (authorityUnder.includes(slot))
    late.push({ instance: 'authority', reason: 'has a certificate of it, for peers on other hosts' })
  return late.length > 0 ? late : lateForReissue(witnesses, slot, asked)
}

function isGone({ state }: SlotRow): boolean {
  return state === 'retired' || state === 'compromised'
}

/** Whether the time has come that `rollTime` says. */
function isTime(slot: SlotRow, config: Config, { cas }: Inventory, now: number): boolean {
  return now >= (rollTime(slot, cas.get(slot.id), config) ?? Number.POSITIVE_INFINITY)
}
