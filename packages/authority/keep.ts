import type { Config } from '@datapunk/protocol'
import type { ApplyReport } from './apply.ts'
import type { Authority } from './authority.ts'
import type { Action } from './plan.ts'

export interface KeepOptions {
  readonly authority: Authority
  /** Reads the config file anew; what it throws is reported, and the last good config stays in force. */
  readonly loadConfig: () => Config | Promise<Config>
  /** Resolves when it is time to look again: after a while, or when the config file has changed. */
  readonly wait: () => Promise<void>
  readonly signal: AbortSignal
  /** What was done, and what waits for someone to ask for it; not called where there is nothing to tell. */
  readonly onApplied: (report: ApplyReport) => void
  readonly onError: (error: unknown) => void
}

/**
 * `mtls up`: keeps the mesh as the config says. It does the safe actions by itself and shows the rest, so that a half-saved
 * file never removes a service. Returns when the signal is given.
 */
export async function keep(options: KeepOptions): Promise<void> {
  const { authority, signal } = options
  let shown = ''
  while (!signal.aborted) {
    try {
      const config = await options.loadConfig()
      authority.configure(config)
      const report = await authority.apply({ approve: () => config.authority.autoApply === 'all' })
      const waiting = summaryOf(report.declined)
      if (report.done.length > 0 || report.failed.length > 0 || waiting !== shown) options.onApplied(report)
      shown = waiting
    } catch (error) {
      options.onError(error)
    }
    await options.wait()
  }
}

function summaryOf(actions: readonly Action[]): string {
  return JSON.stringify(actions)
}
