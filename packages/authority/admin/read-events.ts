import type { IncomingMessage } from 'node:http'
import type { KeptEvent } from '../events/event-book.ts'
import type { EventRequest } from '../events/send-events.ts'
import type { Asker } from '../sockets/asker.ts'
import { askSocket, PATIENCE } from './ask-socket.ts'

export interface ReadEventsOptions extends EventRequest {
  /** For its audit. */
  readonly asker: Asker
  readonly signal?: AbortSignal | undefined
  /** How long the first word may take, milliseconds. */
  readonly patience?: number | undefined
}

/**
 * The events of the authority that serves this socket, those it keeps first. Ends when it ends, when the signal is given, or, where
 * nobody follows, after the last.
 *
 * @throws AuthorityError `ADMIN_UNREACHABLE` where none serves it; `ADMIN_FORBIDDEN`, `ADMIN_SILENT`, `TOO_MANY_FOLLOWERS`
 */
export async function* readEvents(
  socket: string,
  { after, follow, asker, signal, patience = PATIENCE }: ReadEventsOptions,
): AsyncGenerator<KeptEvent> {
  const request = { after, follow } satisfies EventRequest
  const answer = await askSocket({ socket, asker, signal, patience }, 'events', request)
  try {
    for await (const line of linesOf(answer)) if (line !== '') yield JSON.parse(line) as KeptEvent
  } finally {
    answer.destroy()
  }
}

/** Whole lines: it may end in the middle of one, because it was killed, or we were asked to end. */
async function* linesOf(answer: IncomingMessage): AsyncGenerator<string> {
  let rest = ''
  try {
    for await (const text of answer.setEncoding('utf8')) {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      yield* lines
    }
  } catch (error) {
    const { code, name } = error as NodeJS.ErrnoException
    if (code !== 'ECONNRESET' && name !== 'AbortError') throw error
  }
}
