import { type Call, rfc3339 } from './calls.ts'
import type { Report } from './report.ts'

/** The document at `GET /overview`; times in RFC 3339, UTC. */
export interface OverviewDocument {
  readonly at: string
  readonly calls: readonly {
    readonly caller: string
    readonly callee: string
    /** Serial of the caller's certificate, hex. */
    readonly certificate: string
    readonly until: string
    readonly connections: number
    readonly last: string
  }[]
  readonly services: readonly {
    readonly service: string
    /** When it reported last. */
    readonly reported: string
    /** Connections that it refused. */
    readonly refused: number
    readonly counts: Readonly<Record<string, number>>
  }[]
}

interface Reported extends Report {
  readonly service: string
  readonly at: number
}

/** What the services have reported last; one report of each, so it never holds more than the mesh has members. */
export class Overview {
  readonly #reports = new Map<string, Reported>()

  /**
   * @param service who reports, as its certificate says and not as the report says
   * @param at milliseconds since the epoch
   */
  take(service: string, report: Report, at: number): void {
    this.#reports.set(service, { ...report, service, at })
  }

  /** @param now milliseconds since the epoch */
  document(now: number): OverviewDocument {
    const reports = [...this.#reports.values()].sort((a, b) => (a.service < b.service ? -1 : 1))
    const calls = reports.flatMap(({ service, calls }) => calls.map((call) => ({ ...call, callee: service })))
    return {
      at: rfc3339(now),
      calls: calls.sort((a, b) => b.last - a.last).map(callOf),
      services: reports.map(({ service, at, refused, counts }) => ({
        service,
        reported: rfc3339(at),
        refused,
        counts,
      })),
    }
  }
}

function callOf({
  caller,
  callee,
  certificate,
  until,
  connections,
  last,
}: Call): OverviewDocument['calls'][number] {
  return { caller, callee, certificate, until: rfc3339(until), connections, last: rfc3339(last) }
}
