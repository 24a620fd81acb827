import { type Config, compareDocumentNumbers } from '@datapunk/protocol'
import { constraintsOf } from '../constraints.ts'
import type { Inventory } from '../inventory.ts'
import type { SlotKind, SlotRow } from '../store/contract.ts'
import { type Late, lateForBundle, lateForReissue, lateForTrust } from './late.ts'

/** One step of a roll-over that can be taken now. */
export interface RollStep {
  readonly kind: 'prepare' | 'publish-trust-statement' | 'activate' | 'retire'
  /** `prepare`: of which kind. */
  readonly slotKind?: SlotKind
  /** `activate` and `retire`: which ones. */
  readonly slots?: readonly string[]
  /** For people: why. */
  readonly reason: string
}

/** A step that can't be taken yet, and whom it waits for. */
export interface RollWait {
  readonly stage: 'distribute' | 're-issue' | 'drain'
  readonly slot: string
  readonly late: readonly Late[]
  /** When it goes on whoever is late; undefined where it does not, milliseconds since the epoch. */
  readonly until: number | undefined
}

export interface RollPlan {
  /** The next step; the one after it is found when it is done. */
  readonly step: RollStep | undefined
  readonly waits: readonly RollWait[]
}

const DAY = 24 * 60 * 60 * 1000

/** A bundle key signs every day, and is replaced every year. */
export const BUNDLE_KEY_LIFE = 365 * DAY

/** How long connections under an issuing CA that nobody needs any more are given to move over. */
export const DRAIN_TIME = 5 * 60 * 1000

/**
 * Story 5, Roll the root; an issuing CA and a bundle key roll the same way. Pure: what is found on record decides which stage
 * it is at, so that a crash between any two is no special case.
 *
 * 1 prepare → 2 distribute → 3 activate → 4 re-issue every leaf → 5 drain → 6 retire → 7 drop
 */
export function planRoll(config: Config, inventory: Inventory, now: number): RollPlan {
  const waits: RollWait[] = []
  const step =
    prepare(config, inventory, now) ??
    announce(inventory) ??
    activate(config, inventory, now, waits) ??
    retire(config, inventory, now, waits)
  return { step, waits }
}

/** 1 The next key, and its certificate; nobody trusts it yet. */
function prepare(config: Config, inventory: Inventory, now: number): RollStep | undefined {
  const { slots, cas } = inventory
  const step = (slotKind: SlotKind, reason: string): RollStep => ({ kind: 'prepare', slotKind, reason })
  const [root, issuing, bundleKey] = (['root', 'issuing-ca', 'bundle-key'] as const).map((kind) => ({
    active: slots.find((slot) => slot.kind === kind && slot.state === 'active'),
    next: slots.find((slot) => slot.kind === kind && slot.state === 'prepared'),
  })) as [Generation, Generation, Generation]
  const wanted = constraintsOf(config)
  if (
    root.next === undefined &&
    isDue(root.active, config.authority.issuing.years * 365 * DAY, inventory, now)
  )
    return step('root', `${root.active?.id} has lived for two thirds of its life`)
  if (root.next !== undefined && root.next.certificate === undefined)
    return step('root', `${root.next.id} has no certificate yet`)
  const parent = root.next ?? root.active
  if (issuing.next !== undefined) {
    const facts = cas.get(issuing.next.id)
    if (facts === undefined) return step('issuing-ca', `${issuing.next.id} has no certificate yet`)
    if (facts.signer !== parent?.id)
      return step('issuing-ca', `${issuing.next.id} is to be under ${parent?.id}`)
    if (facts.constraints !== wanted) return step('issuing-ca', OTHER_CONSTRAINTS)
  } else if (root.next !== undefined) return step('issuing-ca', `${root.next.id} needs one under it`)
  else if (inventory.issuingConstraints !== wanted) return step('issuing-ca', OTHER_CONSTRAINTS)
  else if (isDue(issuing.active, longestLeaf(config), inventory, now))
    return step('issuing-ca', `${issuing.active?.id} will not outlive the certificates it would sign`)
  if (bundleKey.next === undefined && bundleKey.active && now - bundleKey.active.since >= BUNDLE_KEY_LIFE)
    return step('bundle-key', `${bundleKey.active.id} is a year old`)
  return undefined
}

const OTHER_CONSTRAINTS =
  'the domains and addresses that services may have are not those the issuing CA may sign for'

interface Generation {
  readonly active: SlotRow | undefined
  readonly next: SlotRow | undefined
}

/** 2 Peers are told: a trust statement that says what the slots say, and a bundle that names it. */
function announce({ trustStatementCurrent }: Inventory): RollStep | undefined {
  if (trustStatementCurrent) return undefined
  const reason = 'the newest trust statement does not say what the inventory says'
  return { kind: 'publish-trust-statement', reason }
}

/** 3 Once every live peer knows it, it signs; what signed before it retires. */
function activate(
  config: Config,
  { slots, cas, announced, bundle, witnesses }: Inventory,
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
    const late = lateForTrust(witnesses, trust.number, asked)
    if (isNamed && late.length === 0) {
      const ids = root === undefined ? [slot.id] : [root.id, slot.id]
      return { kind: 'activate', slots: ids, reason: `every live peer knows ${ids.join(' and ')}` }
    }
    waits.push({ stage: 'distribute', slot: (root ?? slot).id, late, until })
  }
  return undefined
}

/** 4 to 6 What retires is dropped once no live chain, and no open connection, needs it. */
function retire(
  config: Config,
  { slots, cas, services, bundle, witnesses, authorityIssuer }: Inventory,
  now: number,
  waits: RollWait[],
): RollStep | undefined {
  const retiring = (kind: SlotKind) => slots.filter((slot) => slot.kind === kind && slot.state === 'retiring')
  const instances = [...services.values()].flatMap(({ row, instances }) =>
    row.state === 'member' ? instances : [],
  )
  const memory = longestMemory(config)
  const done: string[] = []
  for (const { id, spkiHash, leftOut } of retiring('issuing-ca')) {
    // 4 Re-issue: whatever is still in use under it. The plan's other half issues; keys elsewhere have to ask. A pair is in
    // use until its service is seen to have taken up the next.
    const late: Late[] = instances
      .filter(
        ({ row, current }) => current?.slot === id && current.notAfter > now && !leftOut.includes(row.id),
      )
      .map(({ row }) => ({
        instance: row.id,
        reason: row.place === 'here' ? 'has a certificate of it' : 'has to ask for a new certificate',
      }))
    // What was issued anew may not be shown yet.
    for (const instance of witnesses.undelivered) {
      if (!leftOut.includes(instance)) late.push({ instance, reason: 'has not read its files anew' })
    }
    if (authorityIssuer === id)
      late.push({ instance: 'authority', reason: 'has a certificate of it, for peers on other hosts' })
    if (late.length === 0) late.push(...lateForReissue(witnesses, id, { now, memory, leftOut }))
    if (late.length > 0) {
      waits.push({ stage: 're-issue', slot: id, late, until: undefined })
      continue
    }
    // 5 Drain: peers move connections under it over to new ones.
    if (bundle === undefined || !bundle.draining.has(spkiHash)) continue
    const until = bundle.issuedAt + DRAIN_TIME
    const open = witnesses.live
      .filter(({ connections }) => connections.has(id))
      .map(({ instance, connections }) => ({
        instance,
        reason: `has ${connections.get(id)} connections under it`,
      }))
    const waiting = [...lateForBundle(witnesses, bundle.number, { now, memory, leftOut }), ...open]
    if (now < until && (waiting.length > 0 || witnesses.state !== 'complete'))
      waits.push({ stage: 'drain', slot: id, late: waiting, until })
    else done.push(id)
  }
  // A root goes with the last issuing CA under it.
  for (const { id } of retiring('root')) {
    const children = slots.filter((slot) => cas.get(slot.id)?.signer === id && slot.kind === 'issuing-ca')
    if (children.every((slot) => done.includes(slot.id) || isGone(slot))) done.push(id)
  }
  for (const { id, leftOut } of retiring('bundle-key')) {
    const late = bundle === undefined ? [] : lateForBundle(witnesses, bundle.number, { now, memory, leftOut })
    if (bundle?.signedBy === id || late.length > 0)
      waits.push({ stage: 'drain', slot: id, late, until: undefined })
    else done.push(id)
  }
  if (done.length === 0) return undefined
  return { kind: 'retire', slots: done, reason: `nothing in use needs ${done.join(' and ')} any more` }
}

function isGone({ state }: SlotRow): boolean {
  return state === 'retired' || state === 'compromised'
}

/**
 * A CA is replaced when what it would sign now would outlive it, but neither in the first half of its life nor after two
 * thirds of it.
 */
function isDue(slot: SlotRow | undefined, longestChild: number, { cas }: Inventory, now: number): boolean {
  const facts = slot && cas.get(slot.id)
  return facts !== undefined && now >= rollDue(facts, longestChild)
}

/** @param longestChild the longest life of what it signs, milliseconds @returns milliseconds since the epoch */
export function rollDue(
  { notBefore, notAfter }: { readonly notBefore: number; readonly notAfter: number },
  longestChild: number,
): number {
  const life = notAfter - notBefore
  const fitting = notAfter - longestChild
  return Math.max(notBefore + life / 2, Math.min(fitting, notBefore + (2 * life) / 3))
}

/**
 * How long somebody may go by a bundle, from when it was issued: as long as it lives, and what clocks may differ by twice,
 * because a peer forgives so much by a clock that may be late by so much.
 */
export function longestMemory({ authority }: Config): number {
  return authority.bundleDays * DAY + 2 * authority.clockSkew
}

export function longestLeaf(config: Config): number {
  let longest = config.certificates.validityDays
  for (const { validityDays } of config.services.values()) longest = Math.max(longest, validityDays)
  return longest * DAY
}
