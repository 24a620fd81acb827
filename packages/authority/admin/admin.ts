import { chmodSync } from 'node:fs'
import { createServer, request, type ServerResponse } from 'node:http'
import type { z } from 'zod'
import type { ApplyOptions, ApplyReport } from '../apply.ts'
import { type Asker, actorText, askedBy, encodeAsker, parseAsker } from '../audit/asker.ts'
import type { Authority } from '../authority.ts'
import type { NextGeneration } from '../backup/next-generation.ts'
import { AuthorityError, type AuthorityErrorCode } from '../error.ts'
import { EventBook } from '../events/event-book.ts'
import { unreachable } from '../events/read-events.ts'
import { sendEvents } from '../events/send-events.ts'
import type { IssuedOperator } from '../issuing/issue-operator.ts'
import type { IssuedChain } from '../issuing/issue-pair.ts'
import type { LiveService } from '../peers/live-service.ts'
import type { SuspendedPins } from '../pinning/suspend.ts'
import type { Action, Plan } from '../plan.ts'
import type { ProbePairs } from '../probe/prepare-probe.ts'
import type { RefusedCallersAnswer, RefusedCallersRequest } from '../probe/refused-callers.ts'
import type { Enforcement, EnforcementRequest } from '../revocation/enforcement.ts'
import type { RevokePreview } from '../revocation/preview.ts'
import type { RevokeReport, RevokeRequest } from '../revocation/revoke.ts'
import type { RevokeTarget } from '../revocation/targets.ts'
import type { RotatePreview, RotateReport, RotateRequest } from '../rotate.ts'
import { byShortName, listenOnSocket } from '../socket.ts'
import type { Status } from '../status/status.ts'
import { adminRequests } from './admin-requests.ts'
import type { Administration, BackupMade, BackupRequest } from './administration.ts'

/** Ten thousand targets of a revocation, by their serials, are 600 kB. */
const MAX_REQUEST_BYTES = 2 * 1024 * 1024

/** Says who asks; nobody can prove it here. */
const ASKER = 'mtls-asker'

/** What a call takes and gives, as JSON. */
interface Calls {
  plan: { takes: undefined; gives: Plan }
  apply: { takes: { approved: string | null }; gives: WireReport }
  issue: { takes: { service: string }; gives: IssuedChain }
  'issue-for-csr': { takes: { service: string; csr: string }; gives: IssuedChain }
  'issue-operator': { takes: { operator: string; csr: string }; gives: IssuedOperator }
  rotate: { takes: RotateRequest; gives: RotateReport }
  'preview-rotation': { takes: RotateRequest; gives: RotatePreview }
  revoke: { takes: RevokeRequest; gives: RevokeReport }
  'preview-revocation': { takes: readonly RevokeTarget[]; gives: RevokePreview }
  enforcement: { takes: EnforcementRequest; gives: Enforcement }
  'suspend-pins': { takes: { span: number | null }; gives: SuspendedPins }
  'prepare-probe': { takes: undefined; gives: ProbePairs }
  'refused-callers': { takes: RefusedCallersRequest; gives: RefusedCallersAnswer }
  ping: { takes: undefined; gives: true }
  purge: { takes: undefined; gives: readonly string[] }
  status: { takes: undefined; gives: Status }
  'live-service': { takes: { service: string }; gives: LiveService }
  'console-link': { takes: ConsoleLinkRequest; gives: ConsoleLink }
  backup: { takes: BackupRequest; gives: BackupMade }
  'continue-from-here': { takes: undefined; gives: NextGeneration }
}

type WireReport = Omit<ApplyReport, 'failed'> & { failed: { action: Action; message: string }[] }

type Handlers = { [Name in keyof Calls]: (input: Calls[Name]['takes']) => Promise<Calls[Name]['gives']> }

export interface AdminOptions {
  /** Re-reads the config, so that what is applied is the file as it stands. */
  readonly beforeApply?: () => Promise<void>
  /** Told when something was done that may have begun more. */
  readonly afterDeed?: () => void
  /** What is told to whoever follows. */
  readonly events?: EventBook
  /** Makes a link to the console. */
  readonly consoleLink?: (request: ConsoleLinkRequest) => Promise<ConsoleLink>
}

export interface ConsoleLinkRequest {
  /** Whoever comes by it may look, and do nothing. */
  readonly readOnly: boolean
}

/** Lets one browser in, once; or says where operators come in. */
export interface ConsoleLink {
  readonly url: string
  /** Milliseconds since the epoch; null: it is an address alone, and who comes shows an operator’s certificate. */
  readonly endsAt: number | null
}

/** Serves an authority to the CLI over a socket that only the state folder's owner can reach. */
export async function serveAdmin(
  authority: Authority,
  socket: string,
  {
    beforeApply = async () => {},
    afterDeed = () => {},
    events = new EventBook('none'),
    consoleLink = noConsole,
  }: AdminOptions = {},
): Promise<{ close(): Promise<void> }> {
  const handlers: Handlers = {
    plan: async () => {
      await beforeApply()
      return authority.plan()
    },
    apply: async ({ approved }) => {
      await beforeApply()
      const report = await authority.apply({ approve: (destructive) => isAsSeen(destructive, approved) })
      const failed = report.failed.map(({ action, error }) => ({ action, message: error.message }))
      afterDeed()
      return { ...report, failed }
    },
    issue: ({ service }) => authority.issue(service),
    'issue-for-csr': ({ service, csr }) => authority.issueForCsr(service, Buffer.from(csr, 'base64')),
    'issue-operator': async ({ operator, csr }) => {
      // They may have been named a moment ago.
      await beforeApply()
      return authority.issueOperator(operator, Buffer.from(csr, 'base64'))
    },
    rotate: async (request) => {
      const report = await authority.rotate(request)
      afterDeed()
      return report
    },
    'preview-rotation': (request) => authority.previewRotation(request),
    revoke: async (request) => {
      const report = await authority.revoke(request)
      afterDeed()
      return report
    },
    'preview-revocation': (targets) => authority.previewRevocation(targets),
    enforcement: (request) => authority.enforcement(request),
    'suspend-pins': async ({ span }) => {
      const suspended = await authority.suspendPins(span ?? undefined)
      afterDeed()
      return suspended
    },
    'prepare-probe': async () => {
      const pairs = await authority.prepareProbe()
      afterDeed()
      return pairs
    },
    'refused-callers': (request) => authority.refusedCallers(request),
    ping: async () => true,
    purge: () => authority.purge(),
    status: () => authority.status(),
    'live-service': ({ service }) => authority.liveService(service),
    'console-link': consoleLink,
    backup: (request) => authority.backup(request),
    'continue-from-here': () => authority.continueFromHere(),
  }
  const server = createServer({ requestTimeout: 10_000 }, async (req, res) => {
    const actor = actorText(parseAsker(req.headers[ASKER]), 'claimed')
    const answer =
      req.url === '/events'
        ? await streamed(res, events, req)
        : await askedBy(actor, () => answerTo(handlers, req.url ?? '', req))
    if (answer === undefined) return
    res.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body))
  })
  await listenOnSocket(server, socket)
  chmodSync(socket, 0o600)
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** The authority that serves this socket; undefined where none does. @param asker for its audit */
export async function connectAdmin(socket: string, asker: Asker): Promise<Administration | undefined> {
  const call = <Name extends keyof Calls>(
    name: Name,
    input: Calls[Name]['takes'],
  ): Promise<Calls[Name]['gives']> =>
    callOverSocket({ socket, asker }, name, input) as Promise<Calls[Name]['gives']>
  try {
    await call('ping', undefined)
  } catch (error) {
    if (error instanceof AuthorityError && error.code === 'ADMIN_UNREACHABLE') return undefined
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
    previewRevocation: (targets) => call('preview-revocation', targets),
    enforcement: (request) => call('enforcement', request),
    suspendPins: (span) => call('suspend-pins', { span: span ?? null }),
    prepareProbe: () => call('prepare-probe', undefined),
    refusedCallers: (request) => call('refused-callers', request),
    purge: () => call('purge', undefined),
    status: () => call('status', undefined),
    liveService: (service) => call('live-service', { service }),
    backup: (request) => call('backup', request),
    continueFromHere: () => call('continue-from-here', undefined),
  }
}

/**
 * A link to the console of the authority that serves this socket.
 *
 * @throws AuthorityError `ADMIN_UNREACHABLE`, `NO_CONSOLE`
 */
export function askConsoleLink(
  socket: string,
  request: ConsoleLinkRequest,
  asker: Asker,
): Promise<ConsoleLink> {
  return callOverSocket({ socket, asker }, 'console-link', request) as Promise<ConsoleLink>
}

async function noConsole(): Promise<never> {
  throw new AuthorityError('NO_CONSOLE', 'this authority serves no console; `mtls up` does')
}

/** Yes was said to what was shown; to anything else it was not. */
function isAsSeen(destructive: readonly Action[], approved: string | null): boolean {
  if (approved === null) return false
  if (approved === JSON.stringify(destructive)) return true
  throw new AuthorityError(
    'PLAN_CHANGED',
    'the plan has changed since it was shown, so nothing was done. Run `mtls apply` again to see it',
  )
}

interface Answer {
  readonly status: number
  readonly body: unknown
}

async function answerTo(handlers: Handlers, url: string, body: AsyncIterable<Uint8Array>): Promise<Answer> {
  try {
    const name = url.slice(1)
    if (!Object.hasOwn(handlers, name)) return { status: 404, body: { message: `no call ${name}` } }
    const handler = handlers[name as keyof Calls] as (input: unknown) => Promise<unknown>
    const input = requestFor(name as keyof Calls, await readJson(body))
    return { status: 200, body: (await handler(input)) ?? null }
  } catch (error) {
    return refusalOf(error)
  }
}

/** @throws AuthorityError `REQUEST_INVALID` */
function requestFor<Name extends keyof Calls>(name: Name, value: unknown): Calls[Name]['takes'] {
  const schemas: { readonly [Each in keyof Calls]: z.ZodType<Calls[Each]['takes']> } = adminRequests
  const { success, data, error } = schemas[name].safeParse(value)
  if (success) return data
  const [issue] = error.issues
  throw invalidRequest(`another shape at ${JSON.stringify(issue?.path.join('.') ?? '')} of ${name}`)
}

function invalidRequest(found: string): AuthorityError {
  return new AuthorityError(
    'REQUEST_INVALID',
    `found ${found}; allowed: what \`mtls\` of this version sends. Restart \`mtls up\` where it is of another one`,
  )
}

/** @returns what to answer instead, where that was refused */
async function streamed(
  response: ServerResponse,
  events: EventBook,
  body: AsyncIterable<Uint8Array>,
): Promise<Answer | undefined> {
  try {
    sendEvents(response, events, await readJson(body))
    return undefined
  } catch (error) {
    return refusalOf(error)
  }
}

function refusalOf(error: unknown): Answer {
  const { code, message } = error as { code?: string; message?: string }
  return { status: 409, body: { code, message: message ?? String(error) } }
}

async function readJson(body: AsyncIterable<Uint8Array>): Promise<unknown> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.byteLength
    if (size > MAX_REQUEST_BYTES) throw invalidRequest(`a request of over ${MAX_REQUEST_BYTES} octets`)
    chunks.push(chunk)
  }
  if (size === 0) return undefined
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)))
  } catch {
    throw invalidRequest('a request that is no JSON in UTF-8')
  }
}

function callOverSocket(
  { socket, asker }: { readonly socket: string; readonly asker: Asker },
  name: string,
  input: unknown,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown) => reject(unreachable(socket, cause))
    byShortName(socket, (socketPath) => {
      const headers = { [ASKER]: encodeAsker(asker) }
      const call = request(
        { socketPath, path: `/${name}`, method: 'POST', agent: false, headers },
        async (res) => {
          try {
            const chunks: Uint8Array[] = []
            for await (const chunk of res) chunks.push(chunk as Uint8Array)
            const answer: unknown = JSON.parse(Buffer.concat(chunks).toString())
            if (res.statusCode === 200) return resolve(answer)
            const { code, message } = answer as { code: AuthorityErrorCode; message: string }
            reject(new AuthorityError(code, message))
          } catch (error) {
            fail(error)
          }
        },
      )
      call.on('error', fail)
      call.end(input === undefined ? undefined : JSON.stringify(input))
    })
  })
}
