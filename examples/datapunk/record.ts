import { parseSource, parseTime } from './event.ts'
import { Problem } from './problem.ts'
import type { Window } from './windows.ts'

/** A window that is over. The id makes writing it twice the same as writing it once. */
export interface WindowRecord extends Window {
  readonly id: string
}

/** What is asked for; times in milliseconds since the epoch. */
export interface RecordQuery {
  readonly source: string | undefined
  /** Windows that start then or later. */
  readonly from: number
  /** Windows that start before. */
  readonly to: number
  readonly limit: number
}

export const MAX_RECORDS = 200

const numbers = ['start', 'end', 'count', 'min', 'max', 'sum'] as const

/**
 * Reads what stream sends: a list of at most `MAX_RECORDS` (200).
 *
 * @throws Problem 400, 413
 */
export function parseRecords(json: unknown): WindowRecord[] {
  if (!Array.isArray(json)) throw invalid('something else', 'a list of records')
  if (json.length > MAX_RECORDS) {
    throw new Problem(413, 'TOO_MANY', `found ${json.length} records; allowed: ${MAX_RECORDS} in one request`)
  }
  return json.map(parseRecord)
}

function parseRecord(json: unknown): WindowRecord {
  if (typeof json !== 'object' || json === null) throw invalid('something else', 'a record')
  const record = json as WindowRecord
  if (typeof record.id !== 'string' || !/^[0-9a-f-]{36}$/.test(record.id)) throw invalid('its id', 'a UUID')
  const odd = numbers.find((name) => !Number.isFinite(record[name]))
  if (odd !== undefined) throw invalid(`${odd} ${record[odd]}`, 'a number')
  const { id, start, end, count, min, max, sum } = record
  return { id, source: parseSource(record.source), start, end, count, min, max, sum }
}

/**
 * Reads `?source=door-7&from=2026-01-01T00:00:00Z&to=…&limit=50`; each may be left out, limit is 50 then.
 *
 * @throws Problem 400
 */
export function parseRecordQuery(query: URLSearchParams): RecordQuery {
  const known = ['source', 'from', 'to', 'limit']
  const odd = [...query.keys()].find((name) => !known.includes(name))
  if (odd !== undefined) throw invalid(`the parameter ${odd.slice(0, 40)}`, known.join(', '))
  const [source, from, to] = [query.get('source'), query.get('from'), query.get('to')]
  return {
    source: source === null ? undefined : parseSource(source),
    from: from === null ? 0 : parseTime('from', from),
    to: to === null ? Number.MAX_SAFE_INTEGER : parseTime('to', to),
    limit: parseLimit(query.get('limit') ?? '50'),
  }
}

function parseLimit(text: string): number {
  const limit = /^\d{1,3}$/.test(text) ? Number(text) : 0
  if (limit >= 1 && limit <= MAX_RECORDS) return limit
  throw invalid(`limit ${text.slice(0, 40)}`, `1 to ${MAX_RECORDS}`)
}

function invalid(found: string, allowed: string): Problem {
  return new Problem(400, 'RECORD_INVALID', `found ${found}; allowed: ${allowed}`)
}
