import type { AuthorityEvent } from '@datapunk/authority'
import { labelText } from './label-text.ts'
import type { Output } from './output.ts'
import { timeText } from './time-text.ts'

/** `2026-11-23T21:51:00Z  lake  certificate issued  instance lake, serial 3f2a9c1b00ee56b8, until 2027-11-23T20:51:00Z`. */
export function eventText({ kind, subject, at, detail }: AuthorityEvent, output: Output): string {
  const what = kind.replaceAll('-', ' ').padEnd(26)
  const style = kind.endsWith('failed') ? 'bad' : 'good'
  return `${output.toldStyled('quiet', timeText(at))}  ${subject.padEnd(10)}  ${output.toldStyled(style, what)}  ${detailText(detail)}`.trimEnd()
}

/** As `--json` prints it, one a line. */
export function eventDocument(event: AuthorityEvent): Record<string, unknown> {
  return { ...event, at: timeText(event.at) }
}

/** `instance lake, serial 3f2a9c1b00ee56b8`. */
export function detailText(detail: AuthorityEvent['detail']): string {
  return Object.entries(detail)
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([name, value]) => wordsFor(name, String(value)))
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
