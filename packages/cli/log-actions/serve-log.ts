import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { type StandingLog, serveLog } from '@datapunk/log'
import { MeshError } from '@datapunk/mesh'
import { parsePlace } from '@datapunk/mesh/proxy'
import { type Config, layoutOf } from '@datapunk/protocol'
import { CliError } from '../cli-error.ts'
import { type Context, loadConfig } from '../context.ts'
import { reportError } from '../error-report.ts'
import { type ExitCode, exitCode } from '../exit-code.ts'
import type { Style } from '../text/output.ts'
import { timeText } from '../text/time-text.ts'

export interface ServeOptions {
  readonly folder?: string
  readonly listen?: string
  readonly url?: string
  readonly new?: boolean
}

/** As the config's `authority.http`, one port further. */
const LISTEN = '127.0.0.1:7481'

/** The log alone, until somebody asks it to end. */
export async function serveAlone(context: Context, options: ServeOptions): Promise<ExitCode> {
  const config = loadConfig(context)
  const voice = new Voice(context)
  const ending = Promise.withResolvers<void>()
  const stopListening = context.world.onSignal(() => ending.resolve())
  try {
    const { clock } = context.world
    const fresh = options.new === true
    const log = await serveLog({ ...placeOf(options), config, fresh, clock, onRefused: voice.refused })
    await voice.ready(log, config)
    await ending.promise
    await log.close()
    voice.say('ended', 'strong', 'ended')
    return exitCode.done
  } finally {
    stopListening()
  }
}

function placeOf({ folder, listen = LISTEN, url }: ServeOptions) {
  if (folder === undefined)
    throw new CliError(
      'USAGE',
      'found no --folder; allowed: a folder of the log’s own, as in --folder /var/lib/mtls-log',
    )
  const at = hostAndPort(listen)
  const isAnywhere = at.host === '0.0.0.0' || at.host === '::'
  if (url === undefined && isAnywhere)
    throw new CliError(
      'USAGE',
      `found --listen ${listen} without --url; allowed: how it is reached there, as in --url http://log.example:${at.port}`,
    )
  if (url !== undefined && !isPlainUrl(url))
    throw new CliError(
      'USAGE',
      `found --url ${url}; allowed: an http URL without a path, as in http://log.example:7481`,
    )
  return { ...at, folder: resolve(folder), url: (url ?? `http://${listen}`).replace(/\/$/, '') }
}

function hostAndPort(text: string): { readonly host: string; readonly port: number } {
  try {
    const place = parsePlace(text)
    if ('host' in place && place.port !== 0) return place
  } catch (error) {
    if (!(error instanceof MeshError)) throw error
  }
  throw new CliError('USAGE', `found --listen ${text}; allowed: HOST:PORT, as in ${LISTEN}`)
}

function isPlainUrl(text: string): boolean {
  const url = URL.parse(text)
  return url?.protocol === 'http:' && url.href === `${url.origin}/`
}

/** Says what happens: a line for people on stderr, or with `--json` a document on stdout. */
class Voice {
  readonly #context: Context
  #told = ''

  constructor(context: Context) {
    this.#context = context
  }

  async ready(log: StandingLog, config: Config): Promise<void> {
    const { url, size } = log
    this.say('ready', 'strong', `ready: ${url}, ${size} entries`, { url, size })
    try {
      if ((await log.mesh()) === undefined)
        this.say('waiting', 'warning', `no trust statement is published in ${layoutOf(config).mesh.dir} yet`)
    } catch (error) {
      // It can still be read.
      this.refused(error)
    }
    if (config.authority.log !== url)
      this.say(
        'not-in-use',
        'warning',
        `authority.log in the config is ${config.authority.log ?? 'absent'}: with ${url} there \`mtls apply\` takes this log`,
      )
    if (isAuthoritys(config, this.#context.world.uid))
      this.say('not-alone', 'warning', 'this runs as the authority’s user, who then has the log’s key too')
  }

  /** The same is told once. */
  readonly refused = (error: unknown): void => {
    const message = reportError(error).lines.join('\n')
    if (message === this.#told) return
    this.#told = message
    this.say('refused', 'bad', message)
  }

  say(kind: string, style: Style, message: string, detail: object = {}): void {
    const { output, json, world } = this.#context
    const at = timeText(world.clock())
    if (json) output.printJsonLine({ kind, subject: 'log', at, detail: { ...detail, message } })
    else output.tell(`${output.toldStyled('quiet', at)}  ${output.toldStyled(style, message)}`)
  }
}

/** Whose the state folder is, is the authority's user. */
function isAuthoritys(config: Config, uid: number | undefined): boolean {
  return uid !== undefined && statSync(layoutOf(config).state, { throwIfNoEntry: false })?.uid === uid
}
