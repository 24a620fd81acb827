import { once } from 'node:events'
import type { Server } from 'node:http'
import { addressText, type Config, layoutOf } from '@datapunk/protocol'
import { LogError } from '../log-error.ts'
import { TransparencyLog } from '../transparency-log.ts'
import { logServer } from './log-server.ts'

export interface ServeLogOptions {
  /** Of the mesh: where it publishes whom to trust. */
  readonly config: Config
  /** The log's own, absolute; made when there is none. */
  readonly folder: string
  readonly host: string
  readonly port: number
  /** How it is reached, `http://HOST:PORT`: from its first start on its name. */
  readonly url: string
  /** Another log is made, and the one that was there added to no more. */
  readonly fresh: boolean
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  /** Told why a request was not answered as it wanted. */
  readonly onRefused: (error: unknown) => void
}

/**
 * A log in a process of its own, with a folder of its own. Of the authority it reads what is published for everybody.
 *
 * @throws LogError `LOG_ELSEWHERE`, `LISTEN_FAILED`, and what `TransparencyLog.open` throws
 */
export async function serveLog(options: ServeLogOptions): Promise<StandingLog> {
  const { config, folder, url, fresh, clock, onRefused } = options
  const { clockSkew } = config.authority
  const { logsDir, log: folderOf } = layoutOf({ authority: { state: folder } })
  const layout = { logsDir, log: folderOf, mesh: layoutOf(config).mesh }
  let server: Server | undefined
  const serve = async (log: TransparencyLog) => {
    if (!`http://${log.origin}`.startsWith(`${url}/`)) throw otherName(log.origin, url)
    server = logServer({ log, layout, clock, clockSkew, onRefused })
    await listening(server, options)
  }
  try {
    const log = await TransparencyLog.open({
      ...{ layout, caCert: config.paths.caCert, url: `${url}/log`, clock, clockSkew, fresh, serve },
      ...{ meshId: undefined, generation: undefined },
    })
    return new StandingLog(log, server!)
  } catch (error) {
    server?.close()
    throw error
  }
}

export class StandingLog {
  readonly #log: TransparencyLog
  readonly #server: Server

  constructor(log: TransparencyLog, server: Server) {
    this.#log = log
    this.#server = server
  }

  /** What `authority.log` says in the config of its mesh. */
  get url(): string {
    return `http://${this.#log.origin}`
  }

  /** How many entries it has. */
  get size(): number {
    return this.#log.checkpoint?.size ?? 0
  }

  /**
   * The mesh that it belongs to; undefined while no trust statement was published.
   *
   * @throws LogError as `belongTo`
   */
  async mesh(): Promise<string | undefined> {
    const { trusted } = this.#log
    await trusted.refresh().catch(() => {})
    if (trusted.statement === undefined) return undefined
    await this.#log.belongTo(trusted.statement)
    return trusted.statement.meshId
  }

  /** Answers what was asked, and lets go of its folder. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#server.closeIdleConnections()
    await closed
    await this.#log.close()
  }
}

async function listening(server: Server, { host, port }: ServeLogOptions): Promise<void> {
  try {
    await once(server.listen({ host, port }), 'listening')
  } catch (cause) {
    throw new LogError(
      'LISTEN_FAILED',
      `can’t listen at ${addressText(host, port)} (${(cause as NodeJS.ErrnoException).code}); allowed: an address of this machine and a free port: --listen`,
      { cause },
    )
  }
}

function otherName(origin: string, url: string): LogError {
  return new LogError(
    'LOG_ELSEWHERE',
    `found a log that is named ${origin} for good; allowed: to serve it there, not at ${url}: --url, or --new for another log`,
  )
}
