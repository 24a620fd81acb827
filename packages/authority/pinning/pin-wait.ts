import type { Engine } from '../engine/engine.ts'
import type { Announced } from '../store/rows.ts'
import { type Late, lateForAnnounced } from '../waiting/late.ts'
import { longestMemory } from '../waiting/longest-memory.ts'
import { witnessesOf } from '../waiting/witnesses.ts'

/** Who does not know yet what a bundle was the first to say, and might refuse what is made by it. */
export type PinWait = (announced: Announced | undefined) => readonly Late[]

/**
 * Asks everybody at one moment. Ten thousand keys were announced in few bundles, so that few answers are worked out.
 * For what is in no bundle yet, everybody is late who has one that is still valid.
 *
 * @param leftOut instances that are not waited for
 */
export function pinWait(
  engine: Pick<Engine, 'store' | 'peers' | 'clock' | 'config'>,
  leftOut: readonly string[] = [],
): PinWait {
  const now = engine.clock()
  const memory = longestMemory(engine.config, engine.store.mesh())
  const witnesses = witnessesOf(engine, [])
  const known = new Map<string, readonly Late[]>()
  return (announced) => {
    const key = JSON.stringify(announced ?? null)
    const found = known.get(key) ?? lateForAnnounced(witnesses, announced, { now, memory, leftOut })
    known.set(key, found)
    return found
  }
}
