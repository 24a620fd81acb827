import type { RefusedCaller } from '@datapunk/protocol'
import type { PeerBook } from '../peers/peer-book.ts'

export interface RefusedCallersRequest {
  /** By whom. */
  readonly services: readonly string[]
  /** Waits for a report that came later than this, milliseconds since the epoch, … */
  readonly after: number
  /** … but no longer than this, milliseconds. */
  readonly wait: number
}

/** Whom live peers have refused last, by their own reports. */
export interface RefusedCallersAnswer {
  /** When it was asked for, by the clock of the authority: the next to be `after`. */
  readonly at: number
  readonly peers: readonly ReportingPeer[]
}

export interface ReportingPeer {
  readonly service: string
  readonly instance: string
  readonly version: string
  /** When it reported last, milliseconds since the epoch; undefined where it has not. */
  readonly reportedAt: number | undefined
  /** The latest last; undefined where its version does not tell. */
  readonly refused: readonly RefusedCaller[] | undefined
}

/** Reads what peers report, once one of them has said something new, or the wait is over. */
export async function refusedCallersOf(
  { peers, clock }: { readonly peers: PeerBook; readonly clock: () => number },
  { services, after, wait }: RefusedCallersRequest,
): Promise<RefusedCallersAnswer> {
  const asked = new Set(services)
  const live = () => peers.live().filter(({ service }) => asked.has(service))
  const { promise, resolve } = Promise.withResolvers<void>()
  const look = () => {
    if (live().some(({ reportedAt = after }) => reportedAt > after)) resolve()
  }
  const stop = peers.onChange(look)
  const timer = setTimeout(resolve, wait)
  look()
  await promise
  stop()
  clearTimeout(timer)
  return {
    at: clock(),
    peers: live().map(({ service, instance, version, report, reportedAt }) => ({
      ...{ service, instance, version, reportedAt, refused: report?.refusedLast },
    })),
  }
}
