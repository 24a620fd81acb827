import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { AuthorityReader } from '@datapunk/authority'
import { exportLog, LogError, leafHash, readIssuer, verifyLog } from '@datapunk/log'
import { readMeshDocuments } from '@datapunk/mesh'
import { PkiError, parseCertificate, type TileLeaf } from '@datapunk/pki'
import { spellingHint, type TrustStatement } from '@datapunk/protocol'
import { CHECKPOINT_PATH, EMPTY_ROOT, TlogError } from '@datapunk/tlog'
import { certificateFacts } from '../certificate/certificate-facts.ts'
import { certificateIn } from '../certificate/certificate-in.ts'
import { CliError } from '../cli-error.ts'
import type { CommandSpec } from '../command-spec.ts'
import { type Context, loadConfig } from '../context.ts'
import type {
  LogCopyDocument,
  LogProofDocument,
  LogVerdictDocument,
  WholeLogDocument,
} from '../documents/log.ts'
import { type ExitCode, exitCode } from '../exit-code.ts'
import { certificateOf, entryAt, entryOfSerial } from '../logs/entries.ts'
import { listEntries } from '../logs/list-entries.ts'
import { type LogSource, logSources, type OpenSource, opened, openedIfAny } from '../logs/log-source.ts'
import { type Promised, promisedFor, prove } from '../logs/logged-certificate.ts'
import { type ServeOptions, serveAlone } from '../logs/serve-log.ts'
import { watchLogs } from '../logs/watch-log.ts'
import { labelText } from '../text/label-text.ts'
import type { Output } from '../text/output.ts'
import { serialIn } from '../text/serial-text.ts'
import { instantText, timeSince, timeText } from '../text/time-text.ts'
import { tellUnknownService } from '../text/unknown-service.ts'

interface LogOptions extends ServeOptions {
  readonly since?: string
  readonly service?: string
  readonly from?: string
  readonly once?: boolean
}

/** What every action works with. */
interface Asked {
  readonly context: Context
  readonly trust: TrustStatement
  readonly sources: readonly LogSource[]
  readonly options: LogOptions
  readonly subject: string
}

const actions: Readonly<Record<string, (asked: Asked) => Promise<ExitCode>>> = {
  list,
  show,
  prove: showProof,
  verify,
  export: writeCopy,
  watch: ({ context, sources, options }) => watchLogs(context, sources, options),
}

/** Of the others each is about all of a log. */
const withSubject: ReadonlySet<string> = new Set(['show', 'prove', 'export'])

const actionNames = [...Object.keys(actions), 'serve']

export const logCommand: CommandSpec<LogOptions> = {
  name: 'log',
  arguments: '<action> [subject]',
  completes: actionNames,
  summary: 'the transparency log: list, show, prove, verify, export, watch, serve',
  description:
    'Reads the log of what was issued. Nothing that it shows is believed: every entry is proven against a checkpoint that is signed by a key of the trust statement. `list` lists the entries; `show INDEX|SERIAL|FILE` shows one; `prove FILE` prints the proof that the certificate in FILE is in the log; `verify` holds every log against its checkpoint: each entry, each tile, each issuer, and the entry of each certificate in use; `export DIR` writes a copy that --from reads; `watch` reads the log from its first entry on and then, until Ctrl-C, what is new, and raises an alarm at what is logged and not on record, on record and not logged, for a name outside the trust domain, or at two trees that do not agree. `serve` is the log itself, alone and until Ctrl-C: as a user who is not the authority’s, in a folder of its own, for the mesh whose config says its URL (authority.log); it says that URL when it starts. Exits with 1 when the log is wrong, can’t be read, or has no such entry.',
  options: [
    ['--from <place>', 'a folder or URL with the objects of one log, instead of those that lie here'],
    [
      '--since <time>',
      'list: entries since a time, as in 2026-11-01 or 2026-11-01T12:00:00Z, or for so long, as in 7d',
    ],
    ['--service <service>', 'list: entries of this service'],
    ['--once', 'watch: end after the first look'],
    ['--folder <dir>', 'serve: the log’s own folder; made when there is none'],
    ['--listen <host:port>', 'serve: where it answers; 127.0.0.1:7481 unless given'],
    ['--url <url>', 'serve: how it is reached there, http://HOST:PORT; it keeps that name for good'],
    ['--new', 'serve: end the log in the folder, and make another'],
  ],
  json: () => import('../documents/log.ts'),
  examples: [
    'mtls log list --since 7d --service lake',
    'mtls log show /etc/datapunk/certs/lake.crt',
    'mtls log prove /etc/datapunk/certs/lake.crt > proof.json',
    'mtls log verify --from http://authority.service.datapunk:7480/log/ID',
    'mtls log watch --once',
    'mtls log serve --folder /var/lib/mtls-log --listen 0.0.0.0:7481 --url http://log.example:7481',
  ],
  async run(context, options, name = '', subject = '') {
    if (!actionNames.includes(name)) throw unknownAction(name)
    if (subject !== '' && !withSubject.has(name)) throw unaskedSubject(name, subject)
    if (name === 'serve') return serveAlone(context, options)
    const action = actions[name]!
    const config = loadConfig(context)
    const latest = context.world.clock() + config.authority.clockSkew
    const { trust } = readMeshDocuments(config, { latest })
    const sources = await logSources(config, trust, options.from)
    return action({ context, trust, sources, options, subject })
  },
}

function unknownAction(name: string): CliError {
  return new CliError(
    'USAGE',
    `found \`mtls log ${name}\`${spellingHint(name, actionNames)}; allowed: ${actionNames.join(', ')}`,
  )
}

function unaskedSubject(name: string, subject: string): CliError {
  return new CliError(
    'USAGE',
    `found ${JSON.stringify(subject)} after \`mtls log ${name}\`; allowed: nothing there. Of one certificate \`mtls log show\`, \`mtls log prove\` and \`mtls verify\` tell`,
  )
}

async function list({ context, sources, options }: Asked): Promise<ExitCode> {
  const { since, service } = options
  const { output, world } = context
  const listed = listEntries(context, sources, {
    since: since === undefined ? 0 : timeSince('--since', since, world.clock()),
    service,
  })
  const count = await output.during('reading the log', listed)
  if (count === 0 && service !== undefined) tellUnknownService(output, service, loadConfig(context))
  return exitCode.done
}

async function show(asked: Asked): Promise<ExitCode> {
  const { output, json } = asked.context
  const { source, entry } = await output.during('reading the log', found(asked))
  const issuers = await Promise.all(entry.chain.map((fingerprint) => readIssuer(source.read, fingerprint)))
  const { type: _, ...certificate } = certificateFacts(certificateOf(entry))
  const facts = {
    log: source.log.origin,
    index: entry.leafIndex,
    loggedAt: instantText(entry.timestamp),
    kind: entry.entry.type === 'precert_entry' ? 'precertificate' : 'certificate',
  }
  const above = issuers.map((der) => parseCertificate(der).subject.toString())
  if (json) output.printJson({ ...facts, certificate, issuers: above })
  else
    output.print(
      output.table(
        Object.entries({ ...facts, ...certificate, issuers: above }).map(([name, value]) => [
          output.styled('quiet', labelText(name)),
          Array.isArray(value) ? value.join('; ') : String(value),
        ]),
      ),
    )
  return exitCode.done
}

interface Found {
  readonly source: OpenSource
  readonly entry: TileLeaf
}

/** By its place in the newest log, its serial, or the certificate. */
async function found(asked: Asked): Promise<Found> {
  const { sources, subject } = asked
  if (/^\d{1,13}$/.test(subject)) {
    const source = await opened(sources.at(-1)!)
    const { size } = source.checkpoint
    if (Number(subject) < size) return { source, entry: await entryAt(source, Number(subject)) }
    throw nothing(`entry ${subject}`, `0 to ${size - 1}`)
  }
  if (existsSync(subject)) {
    const certificate = parseCertificate(certificateIn(subject))
    const promised = promisedFor(certificate, asked.trust, asked.context.world.clock())
    return promised === undefined
      ? bySerial(sources, certificate.serial)
      : prove(promised, holderOf(promised, sources))
  }
  const serial = serialIn(subject)
  if (serial !== undefined) return bySerial(sources, serial)
  throw new CliError(
    'USAGE',
    `found ${JSON.stringify(subject)}; allowed: the index of an entry, a serial in hex, or a file with a certificate`,
  )
}

async function bySerial(sources: readonly LogSource[], serial: string): Promise<Found> {
  for (const each of sources.toReversed()) {
    const source = await openedIfAny(each)
    if (source === undefined) continue
    const entry = await entryOfSerial(source, serial)
    if (entry !== undefined) return { source, entry }
  }
  throw nothing(`certificate with serial ${serial}`, 'one that was logged: `mtls log list` shows them')
}

function nothing(what: string, allowed: string): CliError {
  return new CliError('NOTHING_TO_SHOW', `found no ${what} in the log; allowed: ${allowed}`)
}

function holderOf({ sct }: Promised, sources: readonly LogSource[]): LogSource {
  const source = sources.find(({ id }) => id === sct.log)
  if (source !== undefined) return source
  throw new CliError(
    'NOTHING_TO_SHOW',
    `found none of the objects of the log ${sct.log}, which has promised this certificate; allowed: --from with its URL or a copy`,
  )
}

/** The proof is a document either way: it is for a program to check. */
async function showProof({ context, trust, sources, subject }: Asked): Promise<ExitCode> {
  const { output } = context
  if (subject === '') throw new CliError('USAGE', 'found no FILE; allowed: `mtls log prove FILE`')
  const promised = promisedFor(parseCertificate(certificateIn(subject)), trust, context.world.clock())
  if (promised === undefined)
    throw nothing(
      `promise for the certificate in ${subject}`,
      'one with an SCT of a log that the trust statement names',
    )
  const proving = prove(promised, holderOf(promised, sources))
  const { source, entry, proof } = await output.during('reading the log', proving)
  const { log, id, read } = source
  output.printJson({
    log: { id: Buffer.from(id, 'hex').toString('base64'), origin: log.origin, key: base64(log.spki) },
    checkpoint: Buffer.from((await read(CHECKPOINT_PATH)) ?? []).toString('utf8'),
    index: entry.leafIndex,
    timestamp: entry.timestamp,
    leafHash: base64(leafHash(entry)),
    proof: proof.map(base64),
  } satisfies LogProofDocument)
  return exitCode.done
}

function base64(octets: Uint8Array): string {
  return Buffer.from(octets).toString('base64')
}

/** One that is damaged, or can't be reached, says nothing of the others. */
async function verify(asked: Asked): Promise<ExitCode> {
  const { context, sources } = asked
  const { output, json } = context
  const documents: LogVerdictDocument[] = []
  for (const source of sources) {
    const document = await verdictOn(asked, source)
    documents.push(document)
    if (json) continue
    if ('error' in document) {
      const { log, error } = document
      output.tell(`${output.toldStyled('bad', 'not verified')}: ${log}: ${error.message} [${error.code}]`)
    } else printVerdict(output, document)
  }
  if (json) output.printJson(documents)
  return documents.some((document) => 'error' in document) ? exitCode.bad : exitCode.done
}

/** @throws what is no fault of the log, nor of what is read of it */
async function verdictOn({ context, trust }: Asked, source: LogSource): Promise<LogVerdictDocument> {
  const { origin: log } = source.log
  try {
    const checkpoint = await context.output.during(`reading ${log}`, verifyLog(source.read, source.log))
    const promised = promisedHere(context, trust, source)
    if (checkpoint === undefined) checkEmpty(context, source, promised)
    const inUse = await entriesInUse(promised, source)
    const { size, root, timestamp } = checkpoint ?? EMPTY
    const signedAt = timestamp === undefined ? null : instantText(timestamp)
    return { log, size, root: base64(root), signedAt, inUse }
  } catch (cause) {
    if (cause instanceof LogError || cause instanceof TlogError || cause instanceof PkiError) {
      const { code, message } = cause
      return { log, error: { code, message } }
    }
    throw cause
  }
}

function printVerdict(output: Output, { log, size, signedAt, inUse }: WholeLogDocument): void {
  const signed = signedAt === null ? 'none signed yet' : `signed ${timeText(Date.parse(signedAt))}`
  output.print(`${output.styled('good', 'whole')}: ${log}, ${size} entries, ${signed}\n`)
  output.print(
    output.table(
      inUse.map(({ service, index }) => [`  ${service}`, `its certificate in use is entry ${index}`]),
    ),
  )
}

/** What a log shows that has signed nothing. */
const EMPTY = { size: 0, root: EMPTY_ROOT, timestamp: undefined }

interface PromisedHere {
  readonly service: string
  readonly promised: Promised
}

/** Of each service whose certificate lies here and was promised by this log. */
function promisedHere(context: Context, trust: TrustStatement, source: LogSource): PromisedHere[] {
  const found: PromisedHere[] = []
  for (const [service, { cert }] of loadConfig(context).services) {
    if (!existsSync(cert)) continue
    const certificate = parseCertificate(certificateIn(cert, { isForeign: true }))
    const promised = promisedFor(certificate, trust, context.world.clock())
    if (promised?.sct.log === source.id) found.push({ service, promised })
  }
  return found
}

async function entriesInUse(
  here: readonly PromisedHere[],
  source: LogSource,
): Promise<{ readonly service: string; readonly index: number }[]> {
  const found: { service: string; index: number }[] = []
  for (const { service, promised } of here) {
    await prove(promised, source)
    found.push({ service, index: promised.leafIndex })
  }
  return found
}

/**
 * A log without a checkpoint is one that holds nothing yet, or is damaged.
 *
 * @throws LogError `LOG_WRONG` it has promised to hold something
 */
function checkEmpty(context: Context, { log }: LogSource, promised: readonly PromisedHere[]): void {
  if (promised.length === 0 && !isOnRecord(context, log.spki)) return
  throw new LogError(
    'LOG_WRONG',
    `found no checkpoint in the log ${log.origin}, and certificates that it has promised to hold; allowed: the one that it has signed last. Put that back; of the log in use \`mtls up\` writes it again when it starts, where all else is there`,
  )
}

function isOnRecord(context: Context, spki: Uint8Array): boolean {
  const observation = new AuthorityReader({ config: loadConfig(context), clock: context.world.clock })
  try {
    return observation.hasPromised(spki)
  } finally {
    observation.close()
  }
}

async function writeCopy({ context, sources, subject }: Asked): Promise<ExitCode> {
  const { output, json } = context
  if (subject === '') throw new CliError('USAGE', 'found no DIR; allowed: `mtls log export DIR`')
  const { log, read } = sources.at(-1)!
  const folder = resolve(subject)
  const checkpoint = await output.during(`reading ${log.origin}`, exportLog(read, log, folder))
  if (checkpoint === undefined) throw nothing('entry', 'a log with one')
  const { size } = checkpoint
  if (json) output.printJson({ log: log.origin, size, folder } satisfies LogCopyDocument)
  else output.tell(`wrote ${size} entries of ${log.origin}, all verified, to ${folder}`)
  return exitCode.done
}
