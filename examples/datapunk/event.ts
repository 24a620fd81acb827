import { Problem } from './problem.ts'

/** One measurement that somebody sends in. */
export interface SensorEvent {
  readonly source: string
  readonly value: number
  /** When it was measured; milliseconds since the epoch. */
  readonly at: number
}

export const MAX_EVENTS = 100

/** Clocks of those who measure may be ahead that far, in milliseconds. */
const AHEAD = 60_000

/**
 * Reads one event or a list of at most `MAX_EVENTS` (100): `{ "source": "door-7", "value": 21.5, "at": "2026-01-01T00:00:00Z" }`,
 * without `at` it is from now.
 *
 * @param now milliseconds since the epoch
 * @throws Problem 400, 413
 */
export function parseEvents(json: unknown, now: number): SensorEvent[] {
  const list = Array.isArray(json) ? json : [json]
  if (list.length === 0 || list.length > MAX_EVENTS) {
    throw new Problem(
      413,
      'TOO_MANY',
      `found ${list.length} events; allowed: 1 to ${MAX_EVENTS} in one request`,
    )
  }
  return list.map((item) => parseEvent(item, now))
}

function parseEvent(json: unknown, now: number): SensorEvent {
  if (typeof json !== 'object' || json === null) throw invalid('an event', json, 'an object')
  const { source, value, at } = json as Partial<Record<keyof SensorEvent, unknown>>
  return {
    source: parseSource(source),
    value: parseValue(value),
    at: at === undefined ? now : parseAt(at, now),
  }
}

/** @throws Problem 400 */
export function parseSource(source: unknown): string {
  if (typeof source === 'string' && /^[a-z0-9][a-z0-9._-]{0,63}$/.test(source)) return source
  throw invalid('source', source, '1 to 64 of a-z, 0-9, ".", "_", "-"')
}

function parseValue(value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value) && Math.abs(value) <= 1e15) return value
  throw invalid('value', value, 'a number from -1e15 to 1e15')
}

function parseAt(at: unknown, now: number): number {
  const time = parseTime('at', at)
  if (time <= now + AHEAD) return time
  throw invalid('at', at, 'the past')
}

/**
 * @param name what it is called in the message
 * @param text RFC 3339, in UTC
 * @returns milliseconds since the epoch
 * @throws Problem 400
 */
export function parseTime(name: string, text: unknown): number {
  const time =
    typeof text === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/.test(text)
      ? Date.parse(text)
      : Number.NaN
  if (!Number.isNaN(time)) return time
  throw invalid(name, text, 'a time in UTC as in 2026-01-01T00:00:00Z')
}

function invalid(name: string, found: unknown, allowed: string): Problem {
  const shown = String(JSON.stringify(found)).slice(0, 80)
  return new Problem(400, 'EVENT_INVALID', `found ${name} ${shown}; allowed: ${allowed}`)
}
