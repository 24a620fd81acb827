import type { ServerResponse } from 'node:http'
import { AuthorityError } from '../error.ts'
import type { EventBook } from './event-book.ts'

/** What whoever asks for events says. */
export interface EventRequest {
  /** The position of the last event that it has; null for none. */
  readonly after: string | null
  /** Whether it waits for those to come. */
  readonly follow: boolean
}

/** People with a terminal each; more is a fault. */
const MAX_FOLLOWERS = 64

/** Whoever has not read so many bytes is told no more until it has. */
export const MAX_UNREAD = 1024 * 1024

const followers = new WeakMap<EventBook, Set<ServerResponse>>()

/**
 * Sends what is kept, an event a line, and then what comes, until the other side goes. Whoever reads so slowly that the book keeps no
 * longer what it has yet to be told misses that, and sees it by the positions.
 *
 * @throws AuthorityError `TOO_MANY_FOLLOWERS`
 */
export function sendEvents(response: ServerResponse, book: EventBook, request: unknown): void {
  const { after, follow } = eventRequestOf(request)
  const following = followers.get(book) ?? new Set()
  followers.set(book, following)
  if (follow && following.size >= MAX_FOLLOWERS) {
    throw new AuthorityError(
      'TOO_MANY_FOLLOWERS',
      `found ${following.size} who follow the events; allowed: so many at once: end one of them`,
    )
  }
  response.writeHead(200, { 'content-type': 'application/x-ndjson' })
  // A first empty line, so that whoever follows knows that it does.
  if (follow) response.write('\n')
  let last = after
  const sendMore = () => {
    for (const kept of book.after(last)) {
      if (response.writableLength > MAX_UNREAD) return
      response.write(`${JSON.stringify(kept)}\n`)
      last = kept.position
    }
    if (!follow) response.off('drain', sendMore).end()
  }
  response.on('drain', sendMore)
  if (follow) {
    const stop = book.onEvent(sendMore)
    following.add(response)
    response.once('close', () => {
      stop()
      following.delete(response)
    })
  }
  sendMore()
}

function eventRequestOf(value: unknown): EventRequest {
  const { after, follow } = (value ?? {}) as Partial<Record<keyof EventRequest, unknown>>
  return { after: typeof after === 'string' ? after : null, follow: follow === true }
}
