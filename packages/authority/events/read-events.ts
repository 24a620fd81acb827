import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { type Asker, encodeAsker } from '../audit/asker.ts'
import { AuthorityError, type AuthorityErrorCode } from '../error.ts'
import { byShortName } from '../socket.ts'
import type { KeptEvent } from './event-book.ts'
import type { EventRequest } from './send-events.ts'

export interface ReadEventsOptions extends EventRequest {
  /** For its audit. */
  readonly asker: Asker
  readonly signal?: AbortSignal | undefined
}

/**
 * The events of the authority that serves this socket, those it keeps first. Ends when it ends, when the signal is given, or, where
 * nobody follows, after the last.
 *
 * @throws AuthorityError `ADMIN_UNREACHABLE` where none serves it; `TOO_MANY_FOLLOWERS`
 */
export async function* readEvents(
  socket: string,
  { after, follow, asker, signal }: ReadEventsOptions,
): AsyncGenerator<KeptEvent> {
  const call = ask(socket, asker, signal)
  const answered = answerTo(call, socket)
  call.end(JSON.stringify({ after, follow } satisfies EventRequest))
  try {
    const answer = await answered
    for await (const line of linesOf(answer)) if (line !== '') yield JSON.parse(line) as KeptEvent
  } finally {
    call.destroy()
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

function ask(socket: string, asker: Asker, signal: AbortSignal | undefined): ClientRequest {
  const headers = { 'mtls-asker': encodeAsker(asker) }
  let call: ClientRequest | undefined
  byShortName(socket, (socketPath) => {
    call = request({
      ...{ socketPath, path: '/events', method: 'POST', agent: false, headers },
      ...(signal && { signal }),
    })
  })
  return call!
}

function answerTo(call: ClientRequest, socket: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    call.on('error', (cause) => reject(unreachable(socket, cause)))
    call.once('response', (answer) => {
      if (answer.statusCode === 200) resolve(answer)
      else refusalIn(answer).then(reject, (cause) => reject(unreachable(socket, cause)))
    })
  })
}

async function refusalIn(answer: IncomingMessage): Promise<AuthorityError> {
  const { code, message } = JSON.parse(Buffer.concat(await answer.toArray()).toString())
  return new AuthorityError(code as AuthorityErrorCode, message)
}

export function unreachable(socket: string, cause: unknown): AuthorityError {
  return new AuthorityError('ADMIN_UNREACHABLE', `no authority serves ${socket}; \`mtls up\` starts it`, {
    cause,
  })
}
