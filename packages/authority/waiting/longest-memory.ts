import type { Config } from '@datapunk/protocol'
import type { BundleTerm, MeshRow } from '../store/rows.ts'
import { DAY } from '../time.ts'

/**
 * How long somebody may go by a bundle, from when it was issued: as long as it lives, and what clocks may differ by twice,
 * because a peer forgives so much by a clock that may be late by so much.
 */
export function memoryOfBundle({ authority }: Config): number {
  return authority.bundleDays * DAY + 2 * authority.clockSkew
}

/** Until when somebody may go by a bundle that was issued at this time or before. Milliseconds since the epoch. */
export type Memory = (issuedAt: number) => number

/** A config that shortens the life of bundles leaves those that peers have as they are. */
export function longestMemory(config: Config, mesh: Pick<MeshRow, 'bundleTerms'> | undefined): Memory {
  const own = memoryOfBundle(config)
  const longer = (mesh?.bundleTerms ?? []).filter(({ memory }) => memory > own)
  return (issuedAt) =>
    Math.max(issuedAt + own, ...longer.map(({ memory, until }) => Math.min(issuedAt + memory, until)))
}

/** With a bundle that is issued now; those before it that live no longer end before it does. */
export function termsWithNext(terms: readonly BundleTerm[], config: Config, now: number): BundleTerm[] {
  const memory = memoryOfBundle(config)
  const outliving = terms.filter((term) => term.memory > memory && term.until > now)
  return [...outliving, { memory, until: now + memory }]
}
