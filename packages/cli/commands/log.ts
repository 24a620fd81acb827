import { readMeshDocuments } from '@datapunk/mesh'
import { spellingHint } from '@datapunk/protocol'
import { CliError } from '../cli-error.ts'
import type { CommandSpec } from '../command-spec.ts'
import { loadConfig } from '../context.ts'
import { type ExitCode, exitCode } from '../exit-code.ts'
import type { Asked } from '../log-actions/asked.ts'
import { copyLog } from '../log-actions/copy-log.ts'
import { listEntries } from '../log-actions/list-entries.ts'
import { type ServeOptions, serveAlone } from '../log-actions/serve-log.ts'
import { showEntry } from '../log-actions/show-entry.ts'
import { showProof } from '../log-actions/show-proof.ts'
import { verifyLogs } from '../log-actions/verify-logs.ts'
import { watchLogs } from '../log-actions/watch-log.ts'
import { logSources } from '../logs/log-source.ts'
import { timeSince } from '../text/time-text.ts'
import { tellUnknownService } from '../text/unknown-service.ts'

interface LogOptions extends ServeOptions {
  readonly since?: string
  readonly service?: string
  readonly from?: string
  readonly once?: boolean
}

interface Action {
  readonly act: (asked: Asked, options: LogOptions) => Promise<ExitCode>
  /** Each of the others is about all of a log. */
  readonly takesSubject?: true
}

/** What reads a log. */
const actions: ReadonlyMap<string, Action> = new Map<string, Action>([
  ['list', { act: list }],
  ['show', { act: showEntry, takesSubject: true }],
  ['prove', { act: showProof, takesSubject: true }],
  ['verify', { act: verifyLogs }],
  ['export', { act: copyLog, takesSubject: true }],
  ['watch', { act: ({ context, sources }, options) => watchLogs(context, sources, options) }],
])

const actionNames = [...actions.keys(), 'serve']

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
    const action = actions.get(name)
    if (action === undefined && name !== 'serve') throw unknownAction(name)
    if (subject !== '' && !action?.takesSubject) throw unaskedSubject(name, subject)
    if (action === undefined) return serveAlone(context, options)
    const config = loadConfig(context)
    const latest = context.world.clock() + config.authority.clockSkew
    const { trust } = readMeshDocuments(config, { latest })
    const sources = await logSources(config, trust, options.from)
    return action.act({ context, trust, sources, subject }, options)
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

async function list({ context, sources }: Asked, { since, service }: LogOptions): Promise<ExitCode> {
  const { output, world } = context
  const listed = listEntries(context, sources, {
    since: since === undefined ? 0 : timeSince('--since', since, world.clock()),
    service,
  })
  const count = await output.during('reading the log', listed)
  if (count === 0 && service !== undefined) tellUnknownService(output, service, loadConfig(context))
  return exitCode.done
}
