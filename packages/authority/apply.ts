import { formatDocumentNumber } from '@datapunk/protocol'
import { checkState } from './check-state.ts'
import type { Engine } from './engine.ts'
import { AuthorityError } from './error.ts'
import { activeSlot, foundMesh, publishTrust, replaceIssuingCa } from './found.ts'
import type { Inventory } from './inventory.ts'
import { type Issuance, issuePairs } from './issue-pair.ts'
import { pairsOnDisk, takeInventory } from './observe.ts'
import { linkFiles } from './place.ts'
import { type Action, type Plan, plan, reasonToIssue, safePart } from './plan.ts'
import { isBundleCurrent, publishBundle, writePublished } from './publish.ts'
import { recordSettings } from './record-settings.ts'

export interface ApplyOptions {
  /** Asked once, with every destructive action there is; where the answer is no, only the safe ones are done. */
  readonly approve: (destructive: readonly Action[]) => boolean | Promise<boolean>
}

export interface ApplyReport {
  readonly done: readonly Action[]
  readonly declined: readonly Action[]
  readonly failed: readonly { readonly action: Action; readonly error: Error }[]
  /** The bundle in force, as in `1.42`. */
  readonly bundle: string
}

/**
 * Makes what is into what should be. Whatever step a crash or a full disk ends it at, what was serving goes on serving,
 * and the next apply goes on from there.
 */
export async function apply(engine: Engine, options: ApplyOptions): Promise<ApplyReport> {
  const { config, clock } = engine
  // 1 Nothing is done to a state that is not whole.
  checkState(engine)
  // 2 What is to be done; the destructive part only when asked for.
  const pairs = pairsOnDisk(engine)
  const wanted = plan(config, takeInventory(engine, pairs), clock())
  const destructive = wanted.actions.filter((action) => action.safety === 'destructive')
  const approved = destructive.length === 0 || (await options.approve(destructive))
  const doing = approved ? wanted.actions : safePart(wanted.actions)
  // 3 Keys and CAs of the mesh itself.
  for (const { kind } of doing) {
    if (kind === 'create-mesh') await foundMesh(engine)
    if (kind === 'replace-issuing-ca') await replaceIssuingCa(engine)
    if (kind === 'publish-trust-statement') await publishTrust(engine)
  }
  // 4 What the mesh holds its services to.
  const changes = doing.filter((action) => 'settings' in action)
  const notMoved: ReadonlyMap<Action, Error> =
    changes.length > 0 ? await recordSettings(engine, changes) : new Map()
  // 5 The bundle, so that peers know who is coming before anyone comes.
  if (doing.some((action) => action.kind === 'publish')) await publish(engine)
  // 6 Certificates, under the settings that were recorded: where a no was said, those are not the config's.
  // Somebody who was asked took their time: what lies on disk is looked at again.
  const asked = destructive.length > 0
  const inventory = takeInventory(engine, asked ? undefined : pairs)
  const due = dueIssuances(inventory, clock())
  const failures = new Map([...(await issuePairs(engine, due)), ...linkPairs(engine, inventory, due)])
  // 7 The bundle again, where a new certificate has ended a change.
  if (!isBundleCurrent(engine.store, clock())) await publish(engine)
  // 8 Whatever of the published files was lost.
  writePublished(engine)
  return reportOf(engine, doing, approved ? [] : destructive, due, (action) =>
    'instance' in action ? failures.get(action.instance) : notMoved.get(action),
  )
}

/** What `mtls plan` shows: what the next apply would do. */
export function planOf(engine: Pick<Engine, 'config' | 'store' | 'disk' | 'layout' | 'clock'>): Plan {
  return plan(engine.config, takeInventory(engine), engine.clock())
}

async function publish(engine: Engine): Promise<void> {
  const { store, keys, config, clock, actor, report } = engine
  await keys.withSigner(activeSlot(engine, 'bundle-key'), (signer) =>
    publishBundle(store, signer, config, clock(), actor),
  )
  writePublished(engine)
  engine.push()
  const detail = { number: bundleNumber(engine) }
  report({ kind: 'bundle-published', subject: 'mesh', at: clock(), detail })
}

function dueIssuances(inventory: Inventory, now: number): Issuance[] {
  const due: Issuance[] = []
  for (const { row, settings, instances } of inventory.services.values()) {
    if (row.state !== 'member') continue
    for (const instance of instances) {
      const reason = reasonToIssue(settings, instance, inventory.slots, now)
      if (reason !== undefined) due.push({ instance: instance.row.id, service: row })
    }
  }
  return due
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

function reportOf(
  engine: Engine,
  doing: readonly Action[],
  declined: readonly Action[],
  due: readonly Issuance[],
  failureOf: (action: Action) => Error | undefined,
): ApplyReport {
  const done: Action[] = []
  const failed: { action: Action; error: Error }[] = []
  const issued = new Set(due.map(({ instance }) => instance))
  for (const action of doing) {
    // What was planned for a service that a no was said to has not been done.
    if (action.kind === 'issue' && !issued.has(action.instance)) continue
    const error = failureOf(action)
    if (error === undefined) done.push(action)
    else failed.push({ action, error })
  }
  return { done, declined, failed, bundle: bundleNumber(engine) }
}

function bundleNumber({ store }: Pick<Engine, 'store'>): string {
  const bundle = store.bundle()
  return bundle === undefined ? '' : formatDocumentNumber(bundle)
}
