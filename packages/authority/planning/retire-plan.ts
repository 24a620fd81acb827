import type { Config } from '@datapunk/protocol'
import { isGone } from '../engine/slots.ts'
import { crowdedLogs } from '../scts/crowded-logs.ts'
import type { SlotKind, SlotRow } from '../store/rows.ts'
import { lateForBundle } from '../waiting/late.ts'
import { longestMemory } from '../waiting/longest-memory.ts'
import type { Inventory } from './inventory.ts'
import { lateUnder } from './late-under.ts'
import { DRAIN_TIME, isRollTime } from './lifetimes.ts'
import type { RollStep, RollWait } from './roll-step.ts'

/** 4 to 6 What retires is dropped once no live chain, and no open connection, needs it. */
export function retire(
  config: Config,
  inventory: Inventory,
  now: number,
  waits: RollWait[],
): RollStep | undefined {
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
  const memory = longestMemory(config, inventory.mesh)
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
  const memory = longestMemory(config, inventory.mesh)
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
  const memory = longestMemory(config, inventory.mesh)
  const crowded = config.transparency === 'off' ? new Set() : crowdedLogs(inventory.slots)
  const hasRunOut = (slot: SlotRow) =>
    isRollTime(slot, config, inventory, now) && !isInUse(slot, inventory, now)
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
