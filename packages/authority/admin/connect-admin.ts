import { request } from 'node:http'
import type { Administration } from '../administration.ts'
import type { ApplyOptions } from '../applying/apply.ts'
import { AuthorityError, type AuthorityErrorCode } from '../error.ts'
import { type Asker, encodeAsker } from '../sockets/asker.ts'
import { byShortName } from '../sockets/socket.ts'
import { ASKER, type ConsoleLink, type ConsoleLinkRequest, type Gives, type Takes } from './admin-calls.ts'
import { adminVersion, checkVersion, VERSION } from './admin-version.ts'
import { askBackup } from './ask-backup.ts'
import { unreachable } from './ask-stream.ts'

/** Milliseconds. It answers a ping whatever else it does. */
const PATIENCE = 10_000

/**
 * The authority that serves this socket; undefined where none does.
 *
 * @param asker for its audit
 * @param patience how long its first answer may take, milliseconds
 * @throws AuthorityError `ADMIN_FORBIDDEN` where that can't be told, `ADMIN_SILENT`, `VERSION_OTHER`
 */
export async function connectAdmin(
  socket: string,
  asker: Asker,
  patience = PATIENCE,
): Promise<Administration | undefined> {
  const call = <Name extends keyof Gives>(name: Name, input: Takes[Name]): Promise<Gives[Name]> =>
    callOverSocket({ socket, asker }, name, input)
  try {
    await callOverSocket({ socket, asker, patience }, 'ping', undefined)
  } catch (error) {
    // Whoever answers, be it with a refusal, is there and holds the lock; what is amiss is said by the call that meets it.
    if (error instanceof AuthorityError && error.code === 'ADMIN_UNREACHABLE') return undefined
    if (error instanceof AuthorityError && unheard.has(error.code)) throw error
  }
  return {
    plan: () => call('plan', undefined),
    apply: async ({ approve }: ApplyOptions) => {
      const destructive = (await call('plan', undefined)).actions.filter(
        ({ safety }) => safety === 'destructive',
      )
      const approved = destructive.length > 0 && (await approve(destructive))
      const report = await call('apply', { approved: approved ? JSON.stringify(destructive) : null })
      const failed = report.failed.map(({ action, message }) => ({ action, error: new Error(message) }))
      return { ...report, failed }
    },
    issue: (service) => call('issue', { service }),
    issueForCsr: (service, csr) =>
      call('issue-for-csr', { service, csr: Buffer.from(csr).toString('base64') }),
    issueOperator: (operator, csr) =>
      call('issue-operator', { operator, csr: Buffer.from(csr).toString('base64') }),
    rotate: (request) => call('rotate', request),
    previewRotation: (request) => call('preview-rotation', request),
    revoke: (request) => call('revoke', request),
    previewRevocation: (request) => call('preview-revocation', request),
    enforcement: (request) => call('enforcement', request),
    suspendPins: (span) => call('suspend-pins', { span: span ?? null }),
    prepareProbe: () => call('prepare-probe', undefined),
    refusedCallers: (request) => call('refused-callers', request),
    purge: () => call('purge', undefined),
    status: () => call('status', undefined),
    liveService: (service) => call('live-service', { service }),
    backup: async (request) => {
      const made = await askBackup({ socket, asker }, request)
      const { file, size, generation, madeAt, withoutKeys } = made
      await call('record-backup', { file, size, generation, madeAt, withoutKeys })
      return made
    },
    continueFromHere: () => call('continue-from-here', undefined),
  }
}

/** Whoever is there can't be asked anything. */
const unheard = new Set<AuthorityErrorCode>(['ADMIN_FORBIDDEN', 'ADMIN_SILENT', 'VERSION_OTHER'])

/**
 * A link to the console of the authority that serves this socket.
 *
 * @throws AuthorityError `ADMIN_UNREACHABLE`, `NO_CONSOLE`, `VERSION_OTHER`
 */
export function askConsoleLink(
  socket: string,
  request: ConsoleLinkRequest,
  asker: Asker,
): Promise<ConsoleLink> {
  return callOverSocket({ socket, asker }, 'console-link', request)
}

interface Socket {
  readonly socket: string
  readonly asker: Asker
  /** Milliseconds; without it an answer may take as long as what was asked for. */
  readonly patience?: number
}

function callOverSocket<Name extends keyof Gives>(
  { socket, asker, patience }: Socket,
  name: Name,
  input: Takes[Name],
): Promise<Gives[Name]> {
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown) => reject(unreachable(socket, cause))
    try {
      byShortName(socket, (socketPath) => {
        const headers = { [ASKER]: encodeAsker(asker), [VERSION]: adminVersion }
        const call = request(
          { socketPath, path: `/${name}`, method: 'POST', agent: false, headers },
          async (res) => {
            try {
              checkVersion(res.headers, socket)
              const chunks: Uint8Array[] = []
              for await (const chunk of res) chunks.push(chunk as Uint8Array)
              const answer: unknown = JSON.parse(Buffer.concat(chunks).toString())
              if (res.statusCode === 200) return resolve(answer as Gives[Name])
              const { code, message } = answer as { code: AuthorityErrorCode; message: string }
              reject(new AuthorityError(code, message))
            } catch (error) {
              if (error instanceof AuthorityError) reject(error)
              else fail(error)
              res.destroy()
            }
          },
        )
        call.on('error', fail)
        if (patience !== undefined)
          call.setTimeout(patience, () => {
            reject(silent(socket, patience))
            call.destroy()
          })
        call.end(input === undefined ? undefined : JSON.stringify(input))
      })
    } catch (cause) {
      fail(cause)
    }
  })
}

function silent(socket: string, patience: number): AuthorityError {
  return new AuthorityError(
    'ADMIN_SILENT',
    `found an \`mtls up\` at ${socket} that has said nothing for ${patience / 1000} s; allowed: an answer. See whether it was stopped (its process is in lock.json there; \`kill -CONT\`), or hangs: then end it, and start it again`,
    { data: { socket } },
  )
}
