import type { Clock } from '../clock.ts'
import { type Answer, getOver } from './authority-request.ts'
import type { AuthorityRoute } from './authority-route.ts'

export interface Within {
  readonly clock: Clock
  /** Milliseconds, from the call to the last byte. */
  readonly patience: number
  /** What is longer is refused. */
  readonly maxBytes: number
  /** Ends it at once. */
  readonly signal: AbortSignal
}

/**
 * Asks the authority for something, over a connection of its own.
 *
 * @throws Error where there is none, or none in time; the signal's reason
 */
export async function getWithin(
  route: AuthorityRoute,
  path: string,
  { clock, patience, maxBytes, signal }: Within,
): Promise<Answer> {
  const late = new AbortController()
  const cancel = clock.after(patience, () => late.abort(new Error(`no answer within ${patience} ms`)))
  const ending = AbortSignal.any([signal, late.signal])
  let end = () => {}
  try {
    const { socket } = await route.connect(ending)
    end = () => socket.destroy(ending.reason)
    ending.addEventListener('abort', end)
    if (ending.aborted) end()
    ending.throwIfAborted()
    return await getOver(socket, path, { maxBytes, clock })
  } catch (error) {
    // Of an answer that had begun Node says no more than that it was cut off.
    ending.throwIfAborted()
    throw error
  } finally {
    cancel()
    // With a listener it lives as long as the caller's signal, and everything of this request with it.
    ending.removeEventListener('abort', end)
  }
}
