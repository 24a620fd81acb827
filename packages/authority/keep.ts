import type { Config } from '@datapunk/protocol'
import { type ApplyReport, stepFailure } from './applying/apply.ts'
import type { Authority } from './authority.ts'
import type { Pace } from './timing/pace.ts'

export interface KeepOptions {
  readonly authority: Pick<Authority, 'configure' | 'notConfigured' | 'apply' | 'lookAtOutage'>
  /** Reads the config file anew; what it throws is reported, and the last good config stays in force. */
  readonly loadConfig: () => Config | Promise<Config>
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  readonly pace: Pace
  /**
   * Resolves at a time, or before that when the config file was written, or when a peer was heard of, during the look too.
   *
   * @param heedPeersFrom not sooner, milliseconds since the epoch; undefined where nobody is waited for, and peers wake nobody
   */
  readonly wait: (until: number, heedPeersFrom: number | undefined) => Promise<void>
  readonly signal: AbortSignal
  /** What was done, and what waits for someone to ask for it; not called where there is nothing to tell. */
  readonly onApplied: (report: ApplyReport) => void
  readonly onError: (error: unknown) => void
  /** Called after each look, with what failed of it: the config file could not be followed, or nothing be done, or a step not. */
  readonly onLooked?: (error: unknown) => void
}

/** Somebody may have removed a file; that is seen by then. Milliseconds. */
export const LONGEST_WAIT = 10 * 60 * 1000

/** What is due and can't be done is not tried more often than this. Milliseconds. */
const SHORTEST_WAIT = 1000

/**
 * Looks that peers give rise to take one part of the time in so many: of a thousand peers somebody is heard of all the time, and a
 * roll-over may wait for months.
 */
const SHARE_FOR_PEERS = 10

/** After a look that failed (a full disk, a state that is not whole, a config file with faults), or a step of a roll-over. Milliseconds. */
const WAIT_AFTER_ERROR = 60 * 1000

/**
 * `mtls up`: keeps the mesh as the config says. It does the safe actions by itself and shows the rest, so that a half-saved
 * file never removes a service. It looks when something is due. Returns when the signal is given.
 */
export async function keep(options: KeepOptions): Promise<void> {
  const { authority, signal, clock, pace } = options
  let shown = ''
  let inForce: Config | undefined
  while (!signal.aborted) {
    let due: number
    let isWaiting = false
    const begun = clock()
    let failure: unknown
    try {
      inForce = await follow(options)
    } catch (error) {
      options.onError(error)
      failure = error
    }
    try {
      const report = await authority.apply({ approve: () => inForce?.authority.autoApply === 'all', pace })
      const waiting = JSON.stringify([report.declined, report.waits, report.asks])
      if (report.done.length > 0 || report.failed.length > 0 || waiting !== shown) options.onApplied(report)
      shown = waiting
      isWaiting = report.waits.length > 0 || report.keysWait
      authority.lookAtOutage()
      failure ??= stepFailure(report)
      options.onLooked?.(failure)
      due = Math.min(
        report.nextDue,
        report.putOff > 0 ? pace.windowEnds : Number.POSITIVE_INFINITY,
        failure === undefined ? Number.POSITIVE_INFINITY : clock() + WAIT_AFTER_ERROR,
      )
    } catch (error) {
      // One at a time: two that take turns would be told again and again.
      if (failure === undefined) options.onError(error)
      options.onLooked?.(error)
      due = clock() + WAIT_AFTER_ERROR
    }
    const now = clock()
    const latest = now + LONGEST_WAIT
    // A clock that was set meanwhile says nothing of how long the look took.
    const took = Math.max(0, now - begun)
    const heedPeersFrom = Math.min(latest, now + took * (SHARE_FOR_PEERS - 1))
    await options.wait(
      Math.min(latest, Math.max(now + SHORTEST_WAIT, due)),
      isWaiting ? heedPeersFrom : undefined,
    )
  }
}

/** @throws what the config file can't be followed for, which is also told of the authority */
async function follow({ authority, loadConfig }: KeepOptions): Promise<Config> {
  try {
    const config = await loadConfig()
    authority.configure(config)
    return config
  } catch (error) {
    authority.notConfigured(error)
    throw error
  }
}
