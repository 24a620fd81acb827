import type { RollWait } from '@datapunk/authority'
import type { WaitDocument } from '../documents/roll-over.ts'
import { timeText } from './time-text.ts'

const STAGES: Readonly<Record<RollWait['stage'], string>> = {
  prepare: 'is made once another one is dropped, so that peers can be told of it',
  distribute: 'is made known',
  're-issue': 'retires: certificates are issued anew',
  drain: 'retires: connections move over',
  require: 'are made known, and reported; then keys that are not pinned are refused',
}

/** As many names as are read. */
const SHOWN = 5

/** `issuing-ca-2 is made known; waits for stream (has not acknowledged it), until 2026-12-03T18:00:00Z at the latest`. */
export function waitText({ slot, stage, late, until }: RollWait): string {
  const names = late.slice(0, SHOWN).map(({ instance, reason }) => `${instance} (${reason})`)
  if (late.length > SHOWN) names.push(`${late.length - SHOWN} more`)
  const whom = names.length === 0 ? '' : `; waits for ${names.join(', ')}`
  const end = until === undefined ? '' : `, until ${timeText(until)} at the latest`
  return `${slot} ${STAGES[stage]}${whom}${end}`
}

/** As `--json` has it: times as text. */
export function waitDocument({ until, ...wait }: RollWait): WaitDocument {
  return { ...wait, until: until === undefined ? null : timeText(until) }
}
