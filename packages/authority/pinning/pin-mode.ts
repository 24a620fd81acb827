import type { Strictness } from '@datapunk/protocol'
import type { Engine } from '../engine/engine.ts'
import type { PinsLate } from '../planning/inventory.ts'
import type { Announced, PinningRow } from '../store/rows.ts'
import { longestMemory } from '../waiting/longest-memory.ts'
import { pinWait } from './pin-wait.ts'

type Known = Pick<Engine, 'store' | 'peers' | 'clock' | 'config'>

/**
 * What the next bundle is to say of keys that are not pinned. `required` in the config holds once every live peer has
 * acknowledged a bundle that names pins: until then it reports, and so it does while it is suspended (docs/operations.md).
 */
export function pinModeNow(engine: Known): Strictness {
  const { store, clock } = engine
  const row = store.pinning()
  const wanted = pinningWanted(engine)
  if (wanted === 'off') return 'off'
  if (wanted === 'report' || isSuspended(row, clock())) return 'report'
  if (row?.mode === 'required') return 'required'
  // After a restore peers may show certificates that are not on record: those are replaced first.
  if (row?.mode === 'report' && row.since === undefined) return 'report'
  return pinWait(engine)(row?.since).length === 0 ? 'required' : 'report'
}

/** Who holds up that keys which are not pinned are refused; undefined where nothing does, or nobody wants it. */
export function pinsLate(engine: Known): PinsLate | undefined {
  const { store, config, clock } = engine
  const row = store.pinning()
  const isUnderWay = row?.wanted === 'required' && row.mode === 'report' && !isSuspended(row, clock())
  const late = isUnderWay ? pinWait(engine)(row.since) : []
  return late.length === 0
    ? undefined
    : { late, until: row?.since && longestMemory(config, store.mesh())(row.since.at) }
}

/** What the config said when it was last applied: lowering it is not done without being asked for. */
export function pinningWanted({ store, config }: Pick<Known, 'store' | 'config'>): Strictness {
  return store.pinning()?.wanted ?? config.pinning
}

export function isSuspended(row: PinningRow | undefined, now: number): boolean {
  return row?.suspendedUntil !== undefined && now < row.suspendedUntil
}

/** The row as a bundle leaves it. @param said what is wanted, and what it says */
export function pinningAfter(
  row: PinningRow | undefined,
  said: Pick<PinningRow, 'wanted' | 'mode'>,
  bundle: Announced,
): PinningRow {
  const { mode } = said
  const since = mode === 'off' ? undefined : (row?.since ?? bundle)
  return { ...said, since, suspendedUntil: isSuspended(row, bundle.at) ? row?.suspendedUntil : undefined }
}
