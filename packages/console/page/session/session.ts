import type { ConsoleSession } from '@datapunk/protocol/console'
import { messageOf } from '../page-error.ts'
import { logIn } from './call.ts'

/** Whether whoever looks may. */
export type Entry =
  | { readonly kind: 'entering' }
  | { readonly kind: 'open'; readonly session: ConsoleSession }
  /** `reason`: why not; undefined where nobody has tried. `by`: what would let them in. */
  | { readonly kind: 'shut'; readonly reason: string | undefined; readonly by: 'link' | 'certificate' }

/** Of the browser, what a session lives in. */
export interface SessionPlace {
  readonly location: Pick<Location, 'hash' | 'pathname' | 'search' | 'protocol'>
  readonly history: Pick<History, 'replaceState'>
  readonly storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>
}

const KEPT_AS = 'session'

/**
 * Lets in whoever comes with a link, has been here before, or has shown an operator's certificate, as over TLS everybody has. The
 * token is gone from the address before anything else happens.
 *
 * @param ending of the session that this would be
 * @returns undefined where that has ended before it began: then nothing is kept of it
 */
export async function enter(place: SessionPlace, ending: AbortSignal): Promise<Entry | undefined> {
  const { location, history, storage } = place
  const token = location.hash.slice(1)
  const kept = token === '' ? keptSession(storage) : undefined
  if (kept !== undefined) return { kind: 'open', session: kept }
  if (token === '' && !isOverTls(place)) return shutEntry(place, undefined)
  history.replaceState(null, '', `${location.pathname}${location.search}`)
  try {
    const session = await logIn(isOverTls(place) ? {} : { token })
    if (ending.aborted) return undefined
    storage.setItem(KEPT_AS, JSON.stringify(session))
    return { kind: 'open', session }
  } catch (error) {
    if (ending.aborted) return undefined
    storage.removeItem(KEPT_AS)
    return shutEntry(place, messageOf(error))
  }
}

/** @param reason why nobody is let in; undefined where nobody has tried */
export function shutEntry(place: Pick<SessionPlace, 'location'>, reason: string | undefined): Entry {
  return { kind: 'shut', reason, by: isOverTls(place) ? 'certificate' : 'link' }
}

function isOverTls({ location }: Pick<SessionPlace, 'location'>): boolean {
  return location.protocol === 'https:'
}

function keptSession(storage: SessionPlace['storage']): ConsoleSession | undefined {
  try {
    const session: ConsoleSession | null = JSON.parse(storage.getItem(KEPT_AS) ?? 'null')
    return session ?? undefined
  } catch {
    storage.removeItem(KEPT_AS)
    return undefined
  }
}

/** Forgets the session. */
export function leave({ storage }: Pick<SessionPlace, 'storage'>): void {
  storage.removeItem(KEPT_AS)
}
