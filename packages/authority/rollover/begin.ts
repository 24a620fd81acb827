import type { Engine } from '../engine/engine.ts'
import { isCrowded } from '../planning/crowd.ts'
import type { SlotKind, SlotRow } from '../store/rows.ts'
import { requireRootKeys } from '../trust/root-keys.ts'
import { checkLeftOut } from './left-out.ts'
import { takeStep } from './roll.ts'

export interface BeginRoll {
  readonly kind: SlotKind
  /** Instances, and operators as `operator alice`, that it does not wait for. */
  readonly without: readonly string[]
}

/**
 * Begins a roll-over that somebody asked for; from then on it goes by itself. One that is under way already goes on, without
 * the instances that are named; so does what retires, where some are.
 *
 * @returns whether a new one was begun
 * @throws AuthorityError `INSTANCE_UNKNOWN`, `ROOT_KEY_NEEDED`
 */
export async function beginRoll(engine: Engine, { kind, without }: BeginRoll): Promise<boolean> {
  const { store, clock, actor } = engine
  checkLeftOut(engine, without)
  const isUnderWay = isBusy(store.slots(), { kind, without })
  if (!isUnderWay) {
    requireRootKeys(engine)
    await takeStep(engine, { kind: 'prepare', slotKind: kind, reason: 'somebody asked for it' })
  }
  const at = clock()
  await store.write((transaction) => {
    for (const slot of underWay(transaction.slots(), kind)) {
      const leftOut = [...new Set([...slot.leftOut, ...without])].sort()
      transaction.putSlot({ ...slot, leftOut })
      transaction.addAudit({ at, actor, deed: 'roll-asked', entry: { slot: slot.id, leftOut } })
    }
  })
  return !isUnderWay
}

/** Whether nothing would be begun, and what retires only be waited for by fewer. */
export function onlyLeavesOut(slots: readonly SlotRow[], { kind, without }: BeginRoll): boolean {
  const moving = underWay(slots, kind)
  return without.length > 0 && moving.length > 0 && moving.every(({ state }) => state === 'retiring')
}

/** A next issuing CA needs only room: what retires may be held for a year, by a key elsewhere. */
function isBusy(slots: readonly SlotRow[], { kind, without }: BeginRoll): boolean {
  if (kind !== 'issuing-ca' || without.length > 0) return underWay(slots, kind).length > 0
  const isPrepared = slots.some((slot) => slot.kind === kind && slot.state === 'prepared')
  return isPrepared || isCrowded(slots)
}

/**
 * With a root the issuing CAs under the old one and the new go over too. A log that retires holds nobody up: it only waits for
 * what it has promised to end.
 */
function underWay(slots: readonly SlotRow[], kind: SlotKind): SlotRow[] {
  const moving = ({ kind, state }: SlotRow) =>
    state === 'prepared' || (state === 'retiring' && kind !== 'log')
  const own = slots.filter((slot) => slot.kind === kind && moving(slot))
  return kind === 'root' && own.length > 0
    ? slots.filter((slot) => slot.kind !== 'bundle-key' && moving(slot))
    : own
}
