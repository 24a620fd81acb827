import { formatDocumentNumber } from '@datapunk/protocol'
import type { Engine } from './engine.ts'

/**
 * What follows from the newest bundle being of the future by this clock: one that was ahead once, or is behind now. Which of them
 * nobody here can know: anew by a clock that is behind, everything would have ended already for whoever has the right time. So somebody
 * has to say it. Undefined where it is of the past.
 */
export function aheadFault({
  store,
  clock,
  config,
}: Pick<Engine, 'store' | 'clock' | 'config'>): string | undefined {
  const bundle = store.bundle()
  const now = clock()
  if (bundle === undefined || bundle.issuedAt <= now + config.authority.clockSkew) return undefined
  const [of, here] = [bundle.issuedAt, now].map((time) => new Date(time).toISOString())
  return `bundle ${formatDocumentNumber(bundle)} is of ${of}, and this machine’s clock says ${here}: nobody who has that time believes anything of it. Set the clock, if it is behind; if it was ahead then, \`mtls rotate --log\` and, once that is done, \`mtls rotate --all\` make everything anew`
}

/**
 * The latest time that is not of the future, milliseconds since the epoch; infinity as long as nobody has said that this clock is right, by
 * what he had published anew.
 */
export function latestTime(known: Pick<Engine, 'store' | 'clock' | 'config'>): number {
  if (aheadFault(known) !== undefined) return Number.POSITIVE_INFINITY
  return known.clock() + known.config.authority.clockSkew
}
