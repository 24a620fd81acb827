import type { Administration } from '../administration.ts'
import type { ApplyOptions } from '../applying/apply.ts'
import { AuthorityError, type AuthorityErrorCode } from '../error.ts'
import type { Asker } from '../sockets/asker.ts'
import type { ConsoleLink, ConsoleLinkRequest, Gives, Takes } from './admin-calls.ts'
import { askBackup } from './ask-backup.ts'
import { type AskedSocket, askSocket, PATIENCE, unreachable } from './ask-socket.ts'

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

async function callOverSocket<Name extends keyof Gives>(
  asked: AskedSocket,
  name: Name,
  input: Takes[Name],
): Promise<Gives[Name]> {
  const answer = await askSocket(asked, name, input)
  try {
    return JSON.parse(Buffer.concat(await answer.toArray()).toString())
  } catch (cause) {
    throw unreachable(asked.socket, cause)
  }
}
