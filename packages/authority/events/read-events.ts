import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { type Asker, encodeAsker } from '../audit/asker.ts'
import { whose } from '../disk/whose.ts'
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
 * @throws AuthorityError `ADMIN_UNREACHABLE` where none serves it; `ADMIN_FORBIDDEN`, `ADMIN_SILENT`, `TOO_MANY_FOLLOWERS`
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
  try {
    byShortName(socket, (socketPath) => {
      call = request({
        ...{ socketPath, path: '/events', method: 'POST', agent: false, headers },
        ...(signal && { signal }),
      })
    })
  } catch (cause) {
    // The folder of a long name can't be gone into.
    throw unreachable(socket, cause)
  }
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

/** Somebody listens there, and ended the call or never took it: no file is left for it, or the process is ending. */
const hangUps = new Set<unknown>(['EAGAIN', 'ECONNRESET', 'EPIPE'])

/** Why nobody could be asked: that a socket may not be opened does not say whether somebody is behind it. */
export function unreachable(socket: string, cause: unknown): AuthorityError {
  const { code } = cause as NodeJS.ErrnoException
  if (code === 'EACCES' || code === 'EPERM') {
    const owner = whose(socket)
    const orRoot = owner.endsWith('uid 0)') ? '' : ', or as root'
    return new AuthorityError(
      'ADMIN_FORBIDDEN',
      `found ${socket} closed to this user (${code}), so whether \`mtls up\` runs there can’t be told; allowed: to ask as ${owner}${orRoot}`,
      { cause, data: { socket } },
    )
  }
  if (hangUps.has(code)) {
    return new AuthorityError(
      'ADMIN_SILENT',
      `found an \`mtls up\` at ${socket} that takes no call, or hangs up without an answer (${code}); allowed: an answer. It is ending, was stopped, or has no more files to open: see its log, give it more (LimitNOFILE= in systemd, \`ulimit -n\` in a shell), and ask again`,
      { cause, data: { socket } },
    )
  }
  return new AuthorityError('ADMIN_UNREACHABLE', `no authority serves ${socket}; \`mtls up\` starts it`, {
    cause,
  })
}
