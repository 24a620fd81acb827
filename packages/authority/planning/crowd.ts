import { type Config, MAX_ISSUING_CAS } from '@datapunk/protocol'
import { isGone } from '../engine/slots.ts'
import type { SlotRow } from '../store/rows.ts'
import { longestMemory } from '../waiting/longest-memory.ts'
import type { Inventory } from './inventory.ts'
import { lateUnder } from './late-under.ts'
import type { RollWait } from './roll-step.ts'

/** Of as many issuing CAs as peers are told of, a quarter is left for those that can't wait until another one is dropped. */
const CROWD = (MAX_ISSUING_CAS * 3) / 4

/**
 * Whoever has a key elsewhere holds the issuing CA that it has a certificate of, maybe for a year; and each change of the addresses
 * that services have makes another one.
 *
 * @returns whom the next one waits for; undefined where there is room
 */
export function waitOfCrowd(config: Config, inventory: Inventory, now: number): RollWait | undefined {
  if (!isCrowded(inventory.slots)) return undefined
  const memory = longestMemory(config, inventory.mesh)
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
