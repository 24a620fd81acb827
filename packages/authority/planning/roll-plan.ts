import { type Config, compareDocumentNumbers } from '@datapunk/protocol'
import { isGone } from '../engine/slots.ts'
import { placeOf, type RootKeyPlace } from '../keys/root-key-place.ts'
import type { DueList } from '../revoked/lists.ts'
import type { SlotRow } from '../store/rows.ts'
import { lateForTrust } from '../waiting/late.ts'
import { longestMemory } from '../waiting/longest-memory.ts'
import type { Inventory } from './inventory.ts'
import { endOf, hasEnded } from './lifetimes.ts'
import { prepare, prepareLog } from './prepare-plan.ts'
import { retire } from './retire-plan.ts'
import { isSameStep, type RollStep, type RollWait, type RootKeyAsk, type RootStep } from './roll-step.ts'

export interface RollPlan {
  /** The next step; the one after it is found when it is done. */
  readonly step: RollStep | undefined
  readonly waits: readonly RollWait[]
  readonly asks: readonly RootKeyAsk[]
  /** Keys of roots that lie here, may be away, and are needed by no step. */
  readonly takeAway: readonly RootKeyPlace[]
}

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

function missingKeys({ roots }: RootStep, { rootKeys }: Inventory): RootKeyPlace[] {
  return roots.flatMap((slot) => {
    const key = rootKeys.get(slot)
    return key === undefined || key.isThere ? [] : [placeOf(slot, key)]
  })
}

function keysThere({ rootKeys }: Inventory): RootKeyPlace[] {
  return [...rootKeys].flatMap(([slot, key]) => (key.isThere ? [placeOf(slot, key)] : []))
}

/** 2 Peers are told: a trust statement that says what the slots say, and a bundle that names it. */
function announce(inventory: Inventory): RootStep[] {
  const { trustStatementCurrent, trustStatementAhead, trustSigners, bundleKeyTrusted } = inventory
  const { bundle, slots, announced } = inventory
  if (trustStatementCurrent && !trustStatementAhead) return []
  const publish = (reason: string, until: number | undefined): RootStep[] => [
    { step: { kind: 'publish-trust-statement', reason }, roots: trustSigners, until },
  ]
  if (!bundleKeyTrusted)
    return publish(
      'peers do not know the bundle key yet, and believe nothing before they do',
      bundle?.expiresAt,
    )
  if (trustStatementCurrent)
    return publish('the newest trust statement is of the future: the clock was ahead', undefined)
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
  { mesh, slots, cas, announced, bundle, witnesses, logRoots }: Inventory,
  now: number,
  waits: RollWait[],
): RollStep | undefined {
  const prepared = slots.filter((slot) => slot.state === 'prepared' && slot.kind !== 'root')
  const memory = longestMemory(config, mesh)
  for (const slot of prepared) {
    const trust = announced.get(slot.id)
    if (trust === undefined) continue
    const until = memory(trust.issuedAt)
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
