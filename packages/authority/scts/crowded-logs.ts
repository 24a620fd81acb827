import { MAX_LOGS } from '@datapunk/protocol'
import type { SlotRow } from '../store/rows.ts'
import { isLiving } from './submit.ts'

/** Each restore begins another log, and those before it are believed until all they hold has ended, which may take a year. */
const ENOUGH = MAX_LOGS / 2

/** The logs that peers are to believe: of more than a trust statement may name, the newest. */
export function namedLogs(slots: readonly SlotRow[]): ReadonlySet<string> {
  return idsOf(livingLogs(slots).slice(-MAX_LOGS))
}

/** Logs that are not waited for until all they hold has ended: it is issued anew, and then they are believed no more. */
export function crowdedLogs(slots: readonly SlotRow[]): ReadonlySet<string> {
  return idsOf(
    livingLogs(slots)
      .slice(0, -ENOUGH)
      .filter(({ state }) => state === 'retiring'),
  )
}

/** The oldest first. */
function livingLogs(slots: readonly SlotRow[]): SlotRow[] {
  return slots
    .filter((slot) => slot.kind === 'log' && isLiving(slot))
    .sort((a, b) => a.since - b.since || a.id.localeCompare(b.id, 'en', { numeric: true }))
}

function idsOf(slots: readonly SlotRow[]): ReadonlySet<string> {
  return new Set(slots.map(({ id }) => id))
}
