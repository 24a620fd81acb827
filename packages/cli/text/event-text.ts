import { type AuthorityEvent, printable, printableLine, type ToldEvent } from '@datapunk/authority'
import type { OwnEventKind } from '../documents/up.ts'
import { labelText } from './label-text.ts'
import type { Output, Style } from './output.ts'
import { instantText, timeText } from './time-text.ts'

/** `2026-11-23T21:51:00Z  lake  certificate issued  instance lake, serial 3f2a9c1b00ee56b8, until 2027-11-23T20:51:00Z`. */
export function eventText(event: AuthorityEvent, output: Output): string {
  return toldEventText(eventDocument(event), (style, text) => output.toldStyled(style, text))
}

/** As `--json` prints it, one a line: to the millisecond, so that a program can tell how long something took. */
export function eventDocument(event: AuthorityEvent): ToldEvent {
  return { ...event, at: instantText(event.at) }
}

const ownStyles = {
  'clock-jumped': 'strong',
  ended: 'strong',
  'events-missed': 'warning',
  failed: 'bad',
  problem: 'bad',
  ready: 'strong',
  'roll-over': 'strong',
  'root-key-needed': 'warning',
  waiting: 'warning',
} as const satisfies Record<OwnEventKind, Style>

/** A told event as a line, or several, for people. */
export function toldEventText(
  { kind, subject, at, detail }: ToldEvent,
  styled: (style: Style, text: string) => string,
): string {
  const time = styled('quiet', timeText(Date.parse(at)))
  if (isOwn(kind)) {
    const prefix = kind === 'ready' ? 'ready: ' : ''
    return `${time}  ${styled(ownStyles[kind], `${prefix}${printable(String(detail.message))}`)}`
  }
  const what = printableLine(kind).replaceAll('-', ' ').padEnd(26)
  const style = kind.endsWith('failed') ? 'bad' : 'good'
  return `${time}  ${printableLine(subject).padEnd(10)}  ${styled(style, what)}  ${detailText(detail)}`.trimEnd()
}

function isOwn(kind: string): kind is OwnEventKind {
  return Object.hasOwn(ownStyles, kind)
}

/** `instance lake, serial 3f2a9c1b00ee56b8`. Much of it was said by others, peers among them: none of it begins a line. */
export function detailText(detail: ToldEvent['detail']): string {
  return Object.entries(detail)
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([name, value]) => wordsFor(printableLine(name), printableLine(String(value))))
    .join(', ')
}

function wordsFor(name: string, value: string): string {
  if (name === 'nextTryAt') return `tried again at ${timeText(Date.parse(value))}`
  if (name === 'after') return `after ${value} ms`
  if (name === 'notAfter') return `until ${timeText(Date.parse(value))}`
  // As far as `mtls status` shows it; `--json` has it whole.
  if (name === 'serial' || name === 'replaces' || name === 'spkiHash')
    return `${labelText(name)} ${value.slice(0, 16)}`
  if (name === 'reason' || name === 'error' || name === 'dir' || name === 'evidence') return value
  return `${labelText(name)} ${value}`
}
