import type { DocumentNumber } from '@datapunk/protocol'
import type { Engine } from '../engine/engine.ts'
import { AuthorityError } from '../error.ts'
import { pinningWanted } from '../pinning/pin-mode.ts'
import { DAY } from '../time.ts'
import { publish } from './publish.ts'

/** Longer than this is a decision for the config file. Milliseconds. */
export const LONGEST_SUSPENSION = 30 * DAY

export interface SuspendedPins {
  /** Until when peers report what they would refuse; undefined: no longer. Milliseconds since the epoch. */
  readonly until: number | undefined
  /** The bundle that says so. */
  readonly bundle: DocumentNumber
}

/**
 * Break-glass: for a while nobody is refused for his key, whatever the config says. Recorded with its audit entry, and
 * published, waiting for nobody.
 *
 * @param span milliseconds, from now; undefined ends it
 * @throws AuthorityError `NOTHING_PINNED`
 */
export async function suspendPins(engine: Engine, span: number | undefined): Promise<SuspendedPins> {
  const { store, clock, actor, report } = engine
  const wanted = pinningWanted(engine)
  if (wanted === 'off' || store.bundle() === undefined) throw nothingPinned(wanted)
  if (span !== undefined && !(span > 0 && span <= LONGEST_SUSPENSION))
    throw new TypeError(`a suspension of ${span} ms`)
  const at = clock()
  const until = span === undefined ? undefined : at + span
  const told =
    until === undefined
      ? ({ kind: 'pins-resumed', detail: {} } as const)
      : ({ kind: 'pins-suspended', detail: { until: new Date(until).toISOString() } } as const)
  await store.write((transaction) => {
    const row = transaction.pinning() ?? { wanted, mode: 'off', since: undefined }
    transaction.putPinning({ ...row, suspendedUntil: until })
    transaction.addAudit({ at, actor, deed: told.kind, entry: told.detail })
  })
  report({ ...told, subject: 'mesh', at })
  await publish(engine)
  return { until, bundle: store.bundle()! }
}

function nothingPinned(pinning: string): AuthorityError {
  return new AuthorityError(
    'NOTHING_PINNED',
    pinning === 'off'
      ? 'found pinning: off in the config, so nobody is refused for his key; allowed: report or required'
      : 'found no mesh yet, so nobody is refused for his key; allowed: after `mtls apply`',
  )
}
