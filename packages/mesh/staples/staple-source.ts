import { AuthorityRoute, type AuthorityRouteOptions } from '../authority/authority-route.ts'
import { fetchStaple } from './fetch-staple.ts'
import type { StapleSource } from './kept-staple.ts'
import { StapleMemory } from './staple-memory.ts'

export type StapleSourceOptions = Pick<AuthorityRouteOptions, 'place' | 'current'> &
  Pick<StapleSource, 'clock' | 'random' | 'problem' | 'changed'> & {
    /** Where a service keeps what it believed. */
    readonly folder: string
  }

/** Staples from the authority, kept in a folder. */
export function stapleSource(options: StapleSourceOptions): StapleSource {
  const { place, current, folder, ...rest } = options
  const { clock } = rest
  // Whoever answers in the authority's place is told of by the link, which calls there too.
  const route = new AuthorityRoute({ place, current, clock, refused: () => {} })
  return {
    ...rest,
    view: () => current().view,
    memory: new StapleMemory(folder),
    fetch: (serial, signal) => fetchStaple(route, serial, { clock, signal }),
  }
}
