import type { Call } from './calls.ts'
import { Problem } from './problem.ts'

/** What lake and stream tell nexus every few seconds. */
export interface Report {
  readonly calls: readonly Omit<Call, 'callee'>[]
  readonly refused: number
  /** What it has done so far, by name. */
  readonly counts: Readonly<Record<string, number>>
}

/**
 * A member of the mesh is believed to be who it is, not to be without faults: what it sends is read like anyone's.
 *
 * @throws Problem 400
 */
export function parseReport(json: unknown): Report {
  const { calls, refused, counts } = objectOf(json)
  if (!Array.isArray(calls) || calls.length > 100) throw invalid('calls', 'a list of at most 100')
  return { calls: calls.map(parseCall), refused: numberOf('refused', refused), counts: parseCounts(counts) }
}

function parseCall(json: unknown): Report['calls'][number] {
  const call = objectOf(json)
  return {
    caller: textOf('caller', call.caller, /^[a-z0-9-]{1,63}$/),
    certificate: textOf('certificate', call.certificate, /^[0-9a-f]{2,42}$/),
    until: numberOf('until', call.until),
    connections: numberOf('connections', call.connections),
    last: numberOf('last', call.last),
  }
}

function parseCounts(json: unknown): Report['counts'] {
  const entries = Object.entries(objectOf(json))
  if (entries.length > 20) throw invalid('counts', 'at most 20')
  return Object.fromEntries(
    entries.map(([name, count]) => [textOf('counts', name, /^[a-z ]{1,40}$/), numberOf(name, count)]),
  )
}

function objectOf(json: unknown): Readonly<Record<string, unknown>> {
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return { ...json }
  throw invalid('a report', 'objects as lake and stream send them')
}

function textOf(name: string, value: unknown, pattern: RegExp): string {
  if (typeof value === 'string' && pattern.test(value)) return value
  throw invalid(name, String(pattern))
}

/** Times too: nothing in a report is negative, or too large for a date. */
function numberOf(name: string, value: unknown): number {
  if (typeof value === 'number' && value >= 0 && value <= 8.64e15) return value
  throw invalid(name, 'a number')
}

function invalid(name: string, allowed: string): Problem {
  return new Problem(400, 'REPORT_INVALID', `found something else for ${name}; allowed: ${allowed}`)
}
