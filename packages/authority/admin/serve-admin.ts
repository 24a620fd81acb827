import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { z } from 'zod'
import type { Authority } from '../authority.ts'
import { AuthorityError } from '../error.ts'
import { EventBook } from '../events/event-book.ts'
import { sendEvents } from '../events/send-events.ts'
import type { Action } from '../planning/plan.ts'
import { actorText, askedBy, parseAsker } from '../sockets/asker.ts'
import { ServedSocket, type ServedSocketOptions } from '../sockets/served-socket.ts'
import { ASKER, type ConsoleLink, type ConsoleLinkRequest, type Gives, type Takes } from './admin-calls.ts'
import { adminRequests, backupCall } from './admin-requests.ts'
import { adminVersion, checkCommand, VERSION } from './admin-version.ts'
import { type BackupCall, giveBackup } from './give-backup.ts'

/** Ten thousand targets of a revocation, by their serials, are 600 kB. */
const MAX_REQUEST_BYTES = 2 * 1024 * 1024

export interface AdminServer {
  close(): Promise<void>
}

type Handlers = { [Name in keyof Gives]: (input: Takes[Name]) => Promise<Gives[Name]> }

export interface AdminOptions {
  /** Re-reads the config, so that what is applied is the file as it stands. */
  readonly beforeApply?: () => Promise<void>
  /** Told when something was done that may have begun more. */
  readonly afterDeed?: () => void
  /** What is told to whoever follows. */
  readonly events?: EventBook
  /** Makes a link to the console. */
  readonly consoleLink?: (request: ConsoleLinkRequest) => Promise<ConsoleLink>
  /** What becomes of the socket. */
  readonly told?: ServedSocketOptions['told']
}

/**
 * Serves an authority to the CLI over a socket that only the state folder's owner can reach.
 *
 * @throws AuthorityError `DISK_FAILED`, `STATE_REPLACED`
 */
export async function serveAdmin(
  authority: Authority,
  socket: string,
  {
    beforeApply = async () => {},
    afterDeed = () => {},
    events = new EventBook('none'),
    consoleLink = noConsole,
    told = () => {},
  }: AdminOptions = {},
): Promise<AdminServer> {
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
    'preview-revocation': (request) => authority.previewRevocation(request),
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
    'record-backup': async (made) => {
      await authority.recordBackup(made)
      return null
    },
    'continue-from-here': () => authority.continueFromHere(),
  }
  const streams = new Map<string, Stream>([
    ['/events', (response, request) => sendEvents(response, events, request)],
    ['/backup', (response, request) => giveBackup(authority, response, backupCallOf(request))],
  ])
  const server = createServer({ requestTimeout: 10_000 }, async (req, res) => {
    res.setHeader(VERSION, adminVersion)
    const actor = actorText(parseAsker(req.headers[ASKER]), 'claimed')
    const stream = streams.get(req.url ?? '')
    const answer = await askedBy(actor, () =>
      stream === undefined ? answerTo(handlers, req) : streamed(stream, res, req),
    )
    if (answer === undefined) return
    res.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body))
  })
  return ServedSocket.open(server, {
    ...{ path: socket, mode: 0o600, told },
    prepare: () => authority.checkPlace(),
  })
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

async function answerTo(handlers: Handlers, request: IncomingMessage): Promise<Answer> {
  try {
    const asked = await readRequest(request)
    const name = (request.url ?? '').slice(1)
    if (!Object.hasOwn(handlers, name)) return { status: 404, body: { message: `no call ${name}` } }
    const handler = handlers[name as keyof Gives] as (input: unknown) => Promise<unknown>
    const input = requestFor(name as keyof Gives, asked)
    return { status: 200, body: (await handler(input)) ?? null }
  } catch (error) {
    return refusalOf(error)
  }
}

/** @throws AuthorityError `REQUEST_INVALID` */
function requestFor<Name extends keyof Gives>(name: Name, value: unknown): Takes[Name] {
  const schemas: { readonly [Each in keyof Gives]: z.ZodType<Takes[Each]> } = adminRequests
  return parsed(schemas[name], name, value)
}

function backupCallOf(value: unknown): BackupCall {
  return parsed(backupCall, 'backup', value)
}

function parsed<Input>(schema: z.ZodType<Input>, name: string, value: unknown): Input {
  const { success, data, error } = schema.safeParse(value)
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

/** Answers piece by piece. */
type Stream = (response: ServerResponse, request: unknown) => void | Promise<void>

/** @returns what to answer instead, where that was refused */
async function streamed(
  stream: Stream,
  response: ServerResponse,
  request: IncomingMessage,
): Promise<Answer | undefined> {
  try {
    await stream(response, await readRequest(request))
    return undefined
  } catch (error) {
    if (!response.headersSent) return refusalOf(error)
    // Cut off, it is told from a whole one.
    response.destroy()
    return undefined
  }
}

function refusalOf(error: unknown): Answer {
  const { code, message } = error as { code?: string; message?: string }
  return { status: 409, body: { code, message: message ?? String(error) } }
}

/**
 * Whoever is refused is heard to his end, so that he hears why.
 *
 * @returns what was sent, as JSON
 * @throws AuthorityError `VERSION_OTHER`, `REQUEST_INVALID`
 */
async function readRequest(request: IncomingMessage): Promise<unknown> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength
    if (size > MAX_REQUEST_BYTES) throw invalidRequest(`a request of over ${MAX_REQUEST_BYTES} octets`)
    chunks.push(chunk)
  }
  checkCommand(request.headers)
  if (size === 0) return undefined
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)))
  } catch {
    throw invalidRequest('a request that is no JSON in UTF-8')
  }
}
