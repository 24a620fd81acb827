import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { type LogIdentity, type ReadObject, readCheckpoint, readFolder, readUrl } from '@datapunk/log'
import { logIdOf } from '@datapunk/pki'
import {
  type Config,
  keyIdOf,
  layoutOf,
  logFolderId,
  type TrustedLog,
  type TrustStatement,
} from '@datapunk/protocol'
import { CHECKPOINT_PATH, type SignedCheckpoint } from '@datapunk/tlog'
import { CliError } from '../cli-error.ts'

/** A log that the mesh trusts, and where it is read. */
export interface LogSource {
  readonly log: LogIdentity
  /** SHA-256 of its key, lowercase hex. */
  readonly id: string
  readonly read: ReadObject
}

/** A log that has something in it. */
export interface OpenSource extends LogSource {
  readonly checkpoint: SignedCheckpoint
}

/**
 * The logs that the trust statement names, as far as they lie here; or the one that is read from elsewhere.
 *
 * @param from a folder or a URL with the objects of one log
 * @throws CliError `NOTHING_TO_SHOW`
 */
export async function logSources(
  config: Config,
  trust: TrustStatement,
  from?: string,
): Promise<readonly LogSource[]> {
  if (from !== undefined) return [await sourceFrom(from, trust)]
  const layout = layoutOf(config)
  const sources = trust.logs.flatMap((log) => {
    const { dir, public: shown } = layout.log(logFolderId(keyIdOf(log.spki)))
    if (existsSync(dir)) return [sourceOf(log, readFolder(shown))]
    // One that runs elsewhere shows what it has there.
    return config.authority.log === `http://${log.origin}`
      ? [sourceOf(log, readUrl(config.authority.log))]
      : []
  })
  if (sources.length > 0) return sources
  throw new CliError(
    'NOTHING_TO_SHOW',
    trust.logs.length === 0
      ? 'found no transparency log; allowed: a mesh that has one, which `mtls apply` makes unless the config says transparency: off'
      : `found none of the logs of this mesh in ${layout.logsDir}; allowed: --from with the URL or a copy of ${trust.logs.map(({ origin }) => origin).join(' or ')}`,
  )
}

/** Undefined where it is empty, as another one is at first. */
export async function openedIfAny(source: LogSource): Promise<OpenSource | undefined> {
  const checkpoint = await readCheckpoint(source.read, source.log)
  return checkpoint && { ...source, checkpoint }
}

/** @throws CliError `NOTHING_TO_SHOW` it is empty */
export async function opened(source: LogSource): Promise<OpenSource> {
  const open = await openedIfAny(source)
  if (open !== undefined) return open
  throw new CliError('NOTHING_TO_SHOW', `found no entry in the log ${source.log.origin} yet`)
}

/** Which log it is, it says itself; only one that is trusted is believed, by its key. */
async function sourceFrom(from: string, trust: TrustStatement): Promise<LogSource> {
  const read = /^https?:\/\//.test(from) ? readUrl(from) : readFolder(resolve(from))
  const signed = await read(CHECKPOINT_PATH)
  if (signed === undefined)
    throw new CliError(
      'NOTHING_TO_SHOW',
      `found no checkpoint in ${from}; allowed: a folder or a URL with the objects of one log`,
    )
  const origin = Buffer.from(signed).toString('utf8').split('\n', 1)[0]
  const log = trust.logs.find((each) => each.origin === origin)
  if (log !== undefined) return sourceOf(log, read)
  throw new CliError(
    'NOTHING_TO_SHOW',
    `found the log ${JSON.stringify(origin)} in ${from}; allowed: those of the trust statement, ${trust.logs.map((each) => each.origin).join(', ') || 'of which there are none'}`,
  )
}

function sourceOf({ spki, origin }: TrustedLog, read: ReadObject): LogSource {
  return { log: { spki, origin }, id: Buffer.from(logIdOf(spki)).toString('hex'), read }
}
