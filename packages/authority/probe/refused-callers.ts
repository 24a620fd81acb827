import type { RefusedCaller } from '@datapunk/protocol'
import type { PeerBook } from '../engine/peer-book.ts'

export interface RefusedCallersRequest {
  /** By whom. */
  readonly services: readonly string[]
  /** Waits for a report that comes after so many (`RefusedCallersAnswer.reports`), … */
  readonly after: number
  /** … but no longer than this, milliseconds. */
  readonly wait: number
}

/** Whom live peers have refused last, by their own reports. */
export interface RefusedCallersAnswer {
  /** How many reports have come by now: whatever comes then, is `after`. */
  readonly reports: number
  readonly peers: readonly ReportingPeer[]
}

export interface ReportingPeer {
  readonly service: string
  readonly instance: string
  readonly version: string
  /** The latest last; undefined where its version does not tell. */
  readonly refused: readonly RefusedCaller[] | undefined
}

/** Reads what peers report, once one of them has said something new, or the wait is over. */
export async function refusedCallersOf(
  { peers }: { readonly peers: PeerBook },
  { services, after, wait }: RefusedCallersRequest,
): Promise<RefusedCallersAnswer> {
  const asked = new Set(services)
  const live = () => peers.live().filter(({ service }) => asked.has(service))
  const { promise, resolve } = Promise.withResolvers<void>()
  const look = () => {
    if (live().some(({ reportNumber = 0 }) => reportNumber > after)) resolve()
  }
  const stop = peers.onChange(look)
  const timer = setTimeout(resolve, wait)
  look()
  await promise
  stop()
  clearTimeout(timer)
  return {
    reports: peers.reports,
    peers: live().map(({ service, instance, version, report }) => ({
      ...{ service, instance, version, refused: report?.refusedLast },
    })),
  }
}
