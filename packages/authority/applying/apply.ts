import { formatDocumentNumber } from '@datapunk/protocol'
import type { Engine } from '../engine/engine.ts'
import { checkHalt } from '../engine/halt.ts'
import { linkFiles } from '../engine/place.ts'
import { slotInUse } from '../engine/slots.ts'
import { AuthorityError } from '../error.ts'
import { nextDue } from '../inventory/due.ts'
import { servedCertificates } from '../inventory/serving.ts'
import { type Observed, seeDisk, takeInventory } from '../inventory/take-inventory.ts'
import { type Issuance, issuePairs } from '../issuing/issue-pair.ts'
import { keyKnowledge } from '../pinning/key-to-certify.ts'
import { makeNextKeys, withoutNextKey } from '../pinning/make-next-keys.ts'
import type { Inventory, InventoryInstance } from '../planning/inventory.ts'
import { hasEnded } from '../planning/lifetimes.ts'
import {
  type Action,
  type InstanceAction,
  isMute,
  isRollStep,
  needContext,
  needOf,
  type Plan,
  plan,
  safePart,
} from '../planning/plan.ts'
import type { RollStep, RollWait, RootKeyAsk } from '../planning/roll-step.ts'
import { announceKeys, forgetWhereOff } from '../publishing/announce-keys.ts'
import { isBundleCurrent, publish } from '../publishing/publish.ts'
import { writePublished } from '../publishing/published-files.ts'
import { takeStep } from '../rollover/roll.ts'
import { parseConstraints, permittedPart } from '../services/constraints.ts'
import { isInConfig } from '../services/in-config.ts'
import { checkState } from '../state/check-state.ts'
import { foundMesh } from '../state/found-mesh.ts'
import { recordConfig } from '../state/record-config.ts'
import { sealKeys } from '../state/seal-keys.ts'
import type { Reader } from '../store/contract.ts'
import type { CertificateRow } from '../store/rows.ts'
import type { Pace } from '../timing/pace.ts'
import { changeScts, takeLog } from '../transparency/transparency.ts'
import { isSignerTrusted } from '../trust/trust.ts'
import { recordPinning } from './record-pinning.ts'
import { recordSettings } from './record-settings.ts'
import { forgetSettled } from './settled-attempts.ts'

export interface ApplyOptions {
  /** Asked once, with every destructive action there is; where the answer is no, only the safe ones are done. */
  readonly approve: (destructive: readonly Action[]) => boolean | Promise<boolean>
  /** Nobody waits for it: renewals keep to the pace, and what has failed is left alone until its next try. */
  readonly pace?: Pace | undefined
}

export interface ApplyReport {
  readonly done: readonly Action[]
  readonly declined: readonly Action[]
  readonly failed: readonly { readonly action: Action; readonly error: Error }[]
  /** Steps of roll-overs that can't be taken yet, and whom they wait for. */
  readonly waits: readonly RollWait[]
  /** Steps of roll-overs that can't be taken because keys of roots are away. */
  readonly asks: readonly RootKeyAsk[]
  /** Renewals that the pace has put off. */
  readonly putOff: number
  /** Whether certificates wait until peers know their keys, and come as soon as those have said so. */
  readonly keysWait: boolean
  /** When something is due next, milliseconds since the epoch. */
  readonly nextDue: number
  /** The bundle in force, as in `1.42`. */
  readonly bundle: string
}

/** What one step distributes may let the next be taken at once; more than this in one apply is a loop. */
const MAX_PASSES = 12

/**
 * Makes what is into what should be. Whatever step a crash or a full disk ends it at, what was serving goes on serving,
 * and the next apply goes on from there.
 */
export async function apply(given: Engine, options: ApplyOptions): Promise<ApplyReport> {
  const engine = { ...given, report: tellingOnce(given.report) }
  await sealKeys(engine)
  let { report, mayGoOn } = await pass(engine, options, [])
  for (let passes = 1; passes < MAX_PASSES && mayGoOn; passes++) {
    const next = await pass(engine, goingOn(options, report), failedSteps(report))
    mayGoOn = next.mayGoOn
    report = joined(report, next.report)
  }
  return report
}

/** What fails in one pass, and in the next one again, has failed once. */
function tellingOnce(report: Engine['report']): Engine['report'] {
  const told = new Set<string>()
  return (event) => {
    if (event.kind === 'issue-failed') {
      const failure = JSON.stringify([event.subject, { ...event.detail, nextTryAt: undefined }])
      if (told.has(failure)) return
      told.add(failure)
    }
    report(event)
  }
}

/** Nobody is asked again: approved is what was so before, and no more, since the config may be another one by now. */
export function goingOn(options: ApplyOptions, { done, failed }: ApplyReport): ApplyOptions {
  const approved = new Set([...done, ...failed.map(({ action }) => action)].map((one) => JSON.stringify(one)))
  return {
    ...options,
    approve: (destructive) => destructive.every((one) => approved.has(JSON.stringify(one))),
  }
}

/** What two applies in a row have come to. A failure of the first counts once, and not at all where the second did that action. */
export function joined(report: ApplyReport, next: ApplyReport): ApplyReport {
  const failed = new Map([...report.failed, ...next.failed].map((one) => [JSON.stringify(one.action), one]))
  for (const action of next.done) failed.delete(JSON.stringify(action))
  return { ...next, done: [...report.done, ...next.done], failed: [...failed.values()] }
}

function failedSteps({ failed }: ApplyReport): RollStep[] {
  return failed.map(({ action }) => action).filter(isRollStep)
}

/** What a step of a roll-over failed with, where one has. */
export function stepFailure({ failed }: ApplyReport): Error | undefined {
  return failed.find(({ action }) => isRollStep(action))?.error
}

/**
 * @param without steps that have failed already
 * @returns with the report, whether what was done may let a roll-over take its next step, or another is to be tried
 */
async function pass(
  engine: Engine,
  options: ApplyOptions,
  without: readonly RollStep[],
): Promise<{ report: ApplyReport; mayGoOn: boolean }> {
  const { config, clock, store } = engine
  // 1 Nothing is done to a state that is not whole.
  checkState(engine)
  engine.keys.seatRoot(store.slots())
  await takeLog(engine)
  // 2 What is to be done; the destructive part only when asked for.
  const before = seeDisk(engine)
  const found = takeInventory(engine, before)
  const wanted = plan(config, found, clock(), without)
  const destructive = wanted.actions.filter((action) => action.safety === 'destructive')
  const approved = destructive.length === 0 || (await options.approve(destructive))
  const doing = approved ? wanted.actions : safePart(wanted.actions)
  // Whoever was asked may have taken long.
  checkHalt(engine)
  // 3 Keys and CAs of the mesh itself: one step, and after it whatever it was needed for. Should it fail, the rest goes on.
  const notTaken = await changeMesh(engine, doing)
  await recordConfig(engine)
  const { waits, asks } = wanted
  const declined = approved ? [] : destructive
  if (isMute(found, asks)) {
    const outcome = outcomeOf(doing, [], (action) => notTaken.get(action))
    const report = { ...outcome, declined, putOff: 0, waits, asks, ...standing(engine, waits) }
    return { report, mayGoOn: false }
  }
  // 4 What the mesh holds its services to. Names for which the issuing CA may not sign have to wait for the next one.
  const changes = doing.filter((action) => 'settings' in action)
  const notMoved: ReadonlyMap<Action, Error> =
    changes.length > 0 ? await recordSettings(engine, changes) : new Map()
  if (doing.some(({ kind }) => kind === 'change-pinning')) await recordPinning(engine)
  // Somebody who was asked took their time: what lies on disk is looked at again.
  const asked = destructive.length > 0
  const isAsFound = !asked && doing.every(isForPairs)
  const seen = isAsFound ? before : asked ? seeDisk(engine) : { ...before, nextKeys: new Map() }
  const inventory = isAsFound ? found : takeInventory(engine, seen)
  const served = servedCertificates(engine, seen.pairs)
  const { due, putOff } = dueIssuances(engine, { inventory, served }, options.pace)
  // 5 The keys of the certificates to come, where there are none.
  await forgetWhereOff(engine)
  const pressing = due.flatMap(({ instance, serving }) => (serving === undefined ? [instance] : []))
  const keyless = withoutNextKey(engine, { pressing: new Set(pressing), seen: seen.nextKeys })
  const notMade = await makeNextKeys(engine, keyless)
  // 6 The bundle, so that peers know who is coming, and with which key, before anyone comes; unless a step has just published
  //   what is so.
  const isNews = keyless.length > 0 || doing.some((action) => action.kind === 'publish')
  const isJustOut = (doing.some(isRollStep) || keyless.length > 0) && isBundleCurrent(engine)
  if (isNews && !isJustOut) await publish(engine)
  // 7 Certificates, under the settings that were recorded: where a no was said, those are not the config's.
  const automatic = options.pace !== undefined
  const atOnce = automatic ? config.rotation.atOnce : undefined
  const notIssued = await issuePairs(engine, due, { atOnce, notMade, isDue: true, automatic })
  const failures = new Map([...notMade, ...notIssued, ...linkPairs(engine, inventory, due)])
  //   The authority's own, where it shows one: before anybody is told to let go of the issuing CA under it.
  const shown = engine.ownPair.served
  await engine.ownPair.renew(engine)
  // 8 Their next keys, and the bundle again, which names these, and a change that a new certificate has ended.
  for (const [instance, error] of await announceKeys(engine, seen.nextKeys)) failures.set(instance, error)
  //   Whose own pair could not be signed has told that, and gone on.
  checkHalt(engine)
  // 9 Whatever of the published files was lost, or a step has changed. Publishing writes them all.
  if (!found.published || doing.some(isRollStep)) writePublished(engine)
  // 10 Services that read files are told of them.
  const told = await engine.deliver(engine, { automatic })
  // 11 What failed once, and was done since or is wanted no more, is no failure.
  await forgetSettled(engine, wanted.actions)
  //    Nor is what waits for a moment; who asked for it is told all the same.
  const waiting = automatic ? firstWaits(store) : new Set()
  const tried = due.filter(({ instance }) => !waiting.has(instance))
  const { done, failed } = outcomeOf(doing, tried, (action) =>
    'instance' in action ? failures.get(action.instance) : (notMoved.get(action) ?? notTaken.get(action)),
  )
  const report = { done, failed, declined, putOff, waits, asks, ...standing(engine, waits) }
  // Whoever has left is on the next lists.
  const hasLeft = done.some(({ kind }) => kind === 'remove-service' || kind === 'rename-service')
  const isRolling = done.some(isRollStep) || notTaken.size > 0
  // What waits for certificates to be replaced may have waited for these.
  const hasReplaced = done.some(isIssuance) || engine.ownPair.served !== shown
  const mayBeOver = hasReplaced && putOff === 0 && waits.some(({ stage }) => waitsForCertificates(stage))
  return { report, mayGoOn: isRolling || hasLeft || mayBeOver || (told > 0 && waits.length > 0) }
}

/**
 * @returns the steps of roll-overs that failed: what signed before signs on, and the next apply takes them up again
 * @throws what a step failed with, where peers would not believe what is signed after it
 */
async function changeMesh(engine: Engine, doing: readonly Action[]): Promise<ReadonlyMap<Action, Error>> {
  const failed = new Map<Action, Error>()
  for (const action of doing) {
    if (action.kind === 'create-mesh') await foundMesh(engine)
    else if (action.kind === 'change-transparency') await changeScts(engine, action.scts)
    else if (isRollStep(action)) {
      try {
        await takeStep(engine, action)
      } catch (error) {
        checkHalt(engine)
        if (!(error instanceof Error) || !isSignerTrusted(engine.store)) throw error
        failed.set(action, error)
      }
    }
  }
  return failed
}

function standing(
  engine: Engine,
  waits: readonly RollWait[],
): Pick<ApplyReport, 'keysWait' | 'nextDue' | 'bundle'> {
  const bundle = engine.store.bundle()
  return {
    keysWait: engine.store.attempts().some((row) => row.waits),
    nextDue: nextDue(engine, waits),
    bundle: bundle === undefined ? '' : formatDocumentNumber(bundle),
  }
}

/** Instances whose certificates have not waited for peers for long. */
function firstWaits(store: Reader): ReadonlySet<string> {
  return new Set(
    store.attempts().flatMap(({ subject, waits, attempts }) => (waits && attempts === 0 ? [subject] : [])),
  )
}

function isIssuance(action: Action): action is InstanceAction {
  return action.kind === 'issue' || action.kind === 'renew'
}

/** With `prepare` there are as many issuing CAs as there may be, and one of them has to go first. */
function waitsForCertificates(stage: RollWait['stage']): boolean {
  return stage === 're-issue' || stage === 'prepare'
}

/** What `mtls plan` shows: what the next apply would do. */
export function planOf(engine: Observed): Plan {
  return plan(engine.config, takeInventory(engine), engine.clock())
}

/** Whether an action leaves the slots and what services are held to as they were. */
function isForPairs(action: Action): boolean {
  return 'instance' in action || action.kind === 'publish'
}

interface Found {
  readonly inventory: Inventory
  /** What each instance shows, and peers accept. */
  readonly served: ReadonlyMap<string, CertificateRow>
}

/** What has no certificate that will do comes at once; what is only renewed, the soonest to end first, as the pace allows. */
function dueIssuances(
  engine: Engine,
  { inventory, served }: Found,
  pace: Pace | undefined,
): { due: readonly Issuance[]; putOff: number } {
  const { config, clock } = engine
  const now = clock()
  const context = needContext(config, inventory, now)
  const issuing = slotInUse(inventory.slots, 'issuing-ca')
  if (issuing === undefined || hasEnded(issuing, inventory.cas, now)) return { due: [], putOff: 0 }
  const constraints = inventory.issuingConstraints && parseConstraints(inventory.issuingConstraints)
  const isKeyKnown = keyKnowledge(engine)
  const rests = ({ row, failed }: InventoryInstance) =>
    failed !== undefined && failed.nextTryAt > now && !(failed.waits && isKeyKnown(row.id))
  const urgent: Issuance[] = []
  const renewals: (Issuance & { notAfter: number })[] = []
  for (const { row, settings: wanted, instances } of inventory.services.values()) {
    if (row.state !== 'member' || row.barredAt !== undefined) continue
    // The next issuing CA, which may sign for all of it, is on its way.
    const settings = constraints ? permittedPart(constraints, wanted) : wanted
    if (settings === undefined) continue
    for (const instance of instances) {
      // Who shows nothing that is good, as after a theft, waits for no next try.
      const mayWait = pace !== undefined && served.has(instance.row.id)
      if (mayWait && rests(instance)) continue
      if (instance.current === undefined && !isInConfig(config, row.service)) continue
      const need = needOf(settings, instance, context)
      const issuance = { instance: instance.row.id, service: row, serving: served.get(instance.row.id) }
      if (need?.kind === 'issue') urgent.push(issuance)
      else if (need?.kind === 'renew') renewals.push({ ...issuance, notAfter: instance.current!.notAfter })
    }
  }
  renewals.sort((a, b) => a.notAfter - b.notAfter)
  const allowed = pace?.take(renewals.length, config.rotation.perMinute) ?? renewals.length
  return { due: [...urgent, ...renewals.slice(0, allowed)], putOff: renewals.length - allowed }
}

/** The paths of the config lead to each pair that is good; whoever was just issued one has seen to it already. */
function linkPairs(engine: Engine, inventory: Inventory, issued: readonly Issuance[]): Map<string, Error> {
  const failed = new Map<string, Error>()
  const done = new Set(issued.map(({ instance }) => instance))
  for (const { row, settings, instances } of inventory.services.values()) {
    for (const { row: instance, linked } of instances) {
      if (row.state !== 'member' || linked || done.has(instance.id)) continue
      try {
        linkFiles(engine, settings, instance.id)
      } catch (error) {
        if (!(error instanceof AuthorityError)) throw error
        failed.set(instance.id, error)
      }
    }
  }
  return failed
}

function outcomeOf(
  doing: readonly Action[],
  due: readonly Issuance[],
  failureOf: (action: Action) => Error | undefined,
): Pick<ApplyReport, 'done' | 'failed'> {
  const done: Action[] = []
  const failed: { action: Action; error: Error }[] = []
  const issued = new Set(due.map(({ instance }) => instance))
  for (const action of doing) {
    // What was planned for a service that a no was said to has not been done, nor what was put off.
    if (isIssuance(action) && !issued.has(action.instance)) continue
    const error = failureOf(action)
    if (error === undefined) done.push(action)
    else failed.push({ action, error })
  }
  return { done, failed }
}
