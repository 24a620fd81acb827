import type { DocumentNumber } from '@datapunk/protocol'
import { undelivered } from '../delivery/deliver.ts'
import type { Engine } from '../engine/engine.ts'
import { longestMemory } from '../waiting/longest-memory.ts'

export interface EnforcementRequest {
  /** What is to be enforced: this bundle, or a later one. */
  readonly bundle: DocumentNumber
  /** How long live peers are waited for, milliseconds. */
  readonly wait: number
}

/** Who enforces a bundle, as far as anybody has said so. */
export interface Enforcement {
  readonly enforced: readonly EnforcedBy[]
  /** Live peers that have not said so. */
  readonly late: readonly string[]
  /** Instances that fell silent without a goodbye, and when the last bundle they have spoken of ends. */
  readonly silent: readonly { readonly instance: string; readonly until: number }[]
  /** Instances that read files and were told of them, and those that have not been. */
  readonly byFile: readonly string[]
  readonly untold: readonly string[]
  /** Whether peers can reach the authority at all, so that nobody late says something. */
  readonly served: boolean
}

export interface EnforcedBy {
  readonly service: string
  readonly instance: string
  /** When its word came, milliseconds since the epoch. */
  readonly at: number
}

/**
 * Waits until every live peer has said that it enforces a bundle, or for as long as somebody is willing to.
 *
 * @param filesTold resolves when services that read files were told of them, which is waited for too
 * @throws what `filesTold` rejects with
 */
export async function enforcementOf(
  engine: Engine,
  request: EnforcementRequest,
  filesTold: Promise<void> = Promise.resolve(),
): Promise<Enforcement> {
  const { peers } = engine
  const enforced = Promise.withResolvers<void>()
  const look = () => {
    if (peers.lateFor(request.bundle).length === 0) enforced.resolve()
  }
  const stop = peers.onChange(look)
  const over = Promise.withResolvers<void>()
  const timer = setTimeout(over.resolve, request.wait)
  try {
    look()
    await Promise.race([Promise.all([enforced.promise, filesTold]), over.promise])
  } finally {
    stop()
    clearTimeout(timer)
  }
  return stateOf(engine, request.bundle)
}

function stateOf(engine: Engine, bundle: DocumentNumber): Enforcement {
  const { peers, store, clock, config } = engine
  const late = new Set(peers.lateFor(bundle))
  const live = peers.live().filter(({ revoked }) => !revoked)
  const isLive = new Set(live.map(({ instance }) => instance))
  const memory = longestMemory(config, store.mesh())
  const untold = undelivered(engine)
  return {
    enforced: live.flatMap((peer) =>
      late.has(peer) || peer.acknowledged === undefined
        ? []
        : [{ service: peer.service, instance: peer.instance, at: peer.acknowledged.at }],
    ),
    late: [...late].map(({ instance }) => instance).sort(),
    silent: store.acknowledgements().flatMap(({ instance, at, serial, leftAt }) => {
      const until = memory(at)
      const isGone = isLive.has(instance) || peers.hasLeft({ instance, leftAt }) || until <= clock()
      return isGone || store.certificate(serial)?.state !== 'issued' ? [] : [{ instance, until }]
    }),
    byFile: store
      .deliveries()
      .flatMap(({ instance }) => (untold.includes(instance) || isLive.has(instance) ? [] : [instance])),
    untold,
    served: peers.isServed,
  }
}
