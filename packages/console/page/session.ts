import type { ConsoleSession } from '@datapunk/protocol/console'
import { logIn } from './call.ts'
import { messageOf } from './page-error.ts'

/** Whether whoever looks may. */
export type Entry =
  | { readonly kind: 'entering' }
  | { readonly kind: 'open'; readonly session: ConsoleSession }
  /** `reason`: why not; undefined where nobody has tried. */
  | { readonly kind: 'shut'; readonly reason: string | undefined }

/** Of the browser, what a session lives in. */
export interface SessionPlace {
  readonly location: Pick<Location, 'hash' | 'pathname' | 'search'>
  readonly history: Pick<History, 'replaceState'>
  readonly storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>
}

const KEPT_AS = 'session'

/** Lets in whoever comes with a link, or has been here before. The token is gone from the address before anything else happens. */
export async function enter({ location, history, storage }: SessionPlace): Promise<Entry> {
  const token = location.hash.slice(1)
  if (token === '') return keptEntry(storage)
  history.replaceState(null, '', `${location.pathname}${location.search}`)
  try {
    const session = await logIn(token)
    storage.setItem(KEPT_AS, JSON.stringify(session))
    return { kind: 'open', session }
  } catch (error) {
    storage.removeItem(KEPT_AS)
    return { kind: 'shut', reason: messageOf(error) }
  }
}

function keptEntry(storage: SessionPlace['storage']): Entry {
  const kept = storage.getItem(KEPT_AS)
  return kept === null
    ? { kind: 'shut', reason: undefined }
    : { kind: 'open', session: JSON.parse(kept) as ConsoleSession }
}

/** Forgets the session. */
export function leave({ storage }: Pick<SessionPlace, 'storage'>): void {
  storage.removeItem(KEPT_AS)
}
