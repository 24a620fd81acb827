import { parseDuration } from '@datapunk/protocol'
import { CliError } from '../cli-error.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/**
 * RFC 3339, UTC, whole seconds: `2026-11-23T21:51:00Z`.
 *
 * @param time milliseconds since the epoch
 */
export function timeText(time: number): string {
  return new Date(time).toISOString().replace(/\.\d{3}Z$/, 'Z')
}

/** As `timeText`, to the millisecond: `2026-11-23T21:51:00.120Z`. */
export function instantText(time: number): string {
  return new Date(time).toISOString()
}

/** As `timeText`; null where there is no time, for JSON. */
export function timeOrNull(time: number | undefined): string | null {
  return time === undefined ? null : timeText(time)
}

/** The two largest units of a span, as in `364 days 23 h`. */
export function spanText(milliseconds: number): string {
  const parts: [amount: number, unit: string][] = [
    [Math.floor(milliseconds / DAY), 'days'],
    [Math.floor((milliseconds % DAY) / HOUR), 'h'],
    [Math.floor((milliseconds % HOUR) / MINUTE), 'min'],
    [Math.floor((milliseconds % MINUTE) / SECOND), 's'],
  ]
  const first = parts.findIndex(([amount]) => amount > 0)
  if (first === -1) return '0 s'
  return parts
    .slice(first, first + 2)
    .filter(([amount]) => amount > 0)
    .map(([amount, unit]) => `${amount} ${unit === 'days' && amount === 1 ? 'day' : unit}`)
    .join(' ')
}

/**
 * The milliseconds of `30s`, `5m`, `24h` or `7d`.
 *
 * @param option for whoever has to mend it
 * @throws CliError `USAGE`
 */
export function durationOf(option: string, text: string): number {
  const milliseconds = parseDuration(text)
  if (milliseconds !== undefined) return milliseconds
  throw new CliError(
    'USAGE',
    `found ${option} ${JSON.stringify(text)}; allowed: a duration, as in 30s, 5m, 24h or 7d`,
  )
}

/**
 * The time of `2026-11-23T21:51:00Z` or `2026-11-23`, or of so long ago as `24h` says.
 *
 * @param option for whoever has to mend it
 * @returns milliseconds since the epoch
 * @throws CliError `USAGE`
 */
export function timeSince(option: string, text: string, now: number): number {
  const span = parseDuration(text)
  if (span !== undefined) return now - span
  const time = timeIn(text) ?? dayIn(text)
  if (time !== undefined) return time
  throw new CliError(
    'USAGE',
    `found ${option} ${JSON.stringify(text)}; allowed: a time or a day, as in 2026-11-23T21:51:00Z or 2026-11-23, or a duration, as in 5m, 24h or 7d`,
  )
}

/**
 * The time of `2026-11-23T21:51:00Z`, or from now on as `+30d` or `-1h` say.
 *
 * @param option for whoever has to mend it
 * @returns milliseconds since the epoch
 * @throws CliError `USAGE`
 */
export function timeFrom(option: string, text: string, now: number): number {
  const span = /^[+-]/.test(text) ? parseDuration(text.slice(1)) : undefined
  if (span !== undefined) return text.startsWith('+') ? now + span : now - span
  const time = timeIn(text)
  if (time !== undefined) return time
  throw new CliError(
    'USAGE',
    `found ${option} ${JSON.stringify(text)}; allowed: a time, as in 2026-11-23T21:51:00Z, or how far from now, as in +30d or -1h`,
  )
}

const RFC_3339 = /^(\d{4}-\d\d-\d\d)T([01]\d|2[0-3]):\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/

function timeIn(text: string): number | undefined {
  const day = RFC_3339.exec(text)?.[1]
  const time = Date.parse(text)
  return day === undefined || dayIn(day) === undefined || Number.isNaN(time) ? undefined : time
}

/** Undefined also for a day that its month does not have, which `Date` takes for one of the next month. */
function dayIn(text: string): number | undefined {
  const time = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(text) : Number.NaN
  return !Number.isNaN(time) && timeText(time).startsWith(text) ? time : undefined
}
