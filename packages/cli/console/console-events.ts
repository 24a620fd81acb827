import { type KeptEvent, printable, type ToldEvent } from '@datapunk/authority'
import type { ConsoleEvent, ConsoleState } from '@datapunk/protocol/console'
import { detailText } from '../text/event-text.ts'

const bad = new Set([
  'problem',
  'failed',
  'halted',
  'log-alarm',
  'key-compromised',
  'peer-refused',
  'operator-refused',
])
const warning = new Set([
  'waiting',
  'root-key-needed',
  'outage-budget',
  'service-barred',
  'certificate-revoked',
])

/** An event as the console shows it. */
export function consoleEvent({ event }: KeptEvent): ConsoleEvent {
  const { kind, subject, at, detail } = event
  const { message } = detail
  return {
    at,
    kind,
    subject,
    text: typeof message === 'string' ? printable(message) : detailText(detail),
    state: stateOf(event),
  }
}

function stateOf({ kind }: ToldEvent): ConsoleState {
  if (bad.has(kind) || kind.endsWith('-failed') || kind.endsWith('-unavailable')) return 'bad'
  return warning.has(kind) ? 'warning' : 'good'
}
