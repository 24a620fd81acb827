import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { whose } from '../disk/whose.ts'
import { AuthorityError, type AuthorityErrorCode } from '../error.ts'
import { type Asker, encodeAsker } from '../sockets/asker.ts'
import { byShortName } from '../sockets/socket.ts'
import { ASKER } from './admin-calls.ts'
import { adminVersion, checkVersion, VERSION } from './admin-version.ts'

export interface AskedSocket {
  readonly socket: string
  /** For its audit. */
  readonly asker: Asker
  /** How long the answer may take to begin, milliseconds; without it, as long as what was asked for. */
  readonly patience?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** For what is answered whatever else the authority does. Milliseconds. */
export const PATIENCE = 10_000

/**
 * Asks for what is answered piece by piece. Whoever has read enough destroys the answer.
 *
 * @throws AuthorityError what it is refused for; `ADMIN_UNREACHABLE`, `ADMIN_FORBIDDEN`, `ADMIN_SILENT`, `VERSION_OTHER`
 */
export function askSocket(
  { socket, asker, patience, signal }: AskedSocket,
  name: string,
  input: unknown,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown) => reject(unreachable(socket, cause))
    let call: ClientRequest | undefined
    try {
      byShortName(socket, (socketPath) => {
        const headers = { [ASKER]: encodeAsker(asker), [VERSION]: adminVersion }
        call = request({
          ...{ socketPath, path: `/${name}`, method: 'POST', agent: false, headers },
          ...(signal && { signal }),
        })
      })
    } catch (cause) {
      // The folder of a long name can't be gone into.
      return fail(cause)
    }
    call!.on('error', fail)
    if (patience !== undefined)
      call!.setTimeout(patience, () => {
        reject(silent(socket, patience))
        call!.destroy()
      })
    call!.once('response', (answer) => {
      call!.setTimeout(0)
      try {
        checkVersion(answer.headers, socket)
      } catch (error) {
        answer.destroy()
        return reject(error)
      }
      if (answer.statusCode === 200) resolve(answer)
      else refusalIn(answer).then(reject, fail)
    })
    call!.end(input === undefined ? undefined : JSON.stringify(input))
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

function silent(socket: string, patience: number): AuthorityError {
  return new AuthorityError(
    'ADMIN_SILENT',
    `found an \`mtls up\` at ${socket} that has said nothing for ${patience / 1000} s; allowed: an answer. See whether it was stopped (its process is in lock.json there; \`kill -CONT\`), or hangs: then end it, and start it again`,
    { data: { socket } },
  )
}
