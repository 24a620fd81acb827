import type { Reload } from '@datapunk/protocol'
import { runCommand } from './reload-command.ts'
import { reloadPostgres } from './reload-postgres.ts'
import { reloadRedis } from './reload-redis.ts'
import { sendSignal } from './reload-signal.ts'

/** The paths of the config, absolute: what a service reads, not what they lead to. */
export interface ReloadFiles {
  readonly cert: string
  readonly key: string
  readonly caCert: string
  readonly crl: string
}

/** What a connection of our own is made with. */
export type TlsFiles = Omit<ReloadFiles, 'crl'>

export interface ReloadOptions {
  /** The service's name in the config. */
  readonly service: string
  /** A command gets `PATH`, `HOME`, `LANG` and `LC_*` of it, and nothing else. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Milliseconds since the epoch: the moment for which a server's certificate has to hold. */
  readonly clock: () => number
  /** Ends it early; a command that runs is killed. */
  readonly signal?: AbortSignal | undefined
  /** How long PostgreSQL or Redis may take, in milliseconds (default 10,000). A command's limit is in the config. */
  readonly timeout?: number | undefined
}

/**
 * Tells a service that reads files that its files have changed. When it returns, the service was told: the command ended
 * with exit code 0, the signal was sent, PostgreSQL or Redis said yes. That it shows the new certificate is for a
 * handshake to see.
 *
 * @throws AuthorityError `RELOAD_FAILED`, with what was found and which setting or command mends it, and never a password
 * @throws the reason of `options.signal`, when that ends it
 */
export async function runReload(reload: Reload, files: ReloadFiles, options: ReloadOptions): Promise<void> {
  options.signal?.throwIfAborted()
  switch (reload.kind) {
    case 'command':
      return runCommand(reload, files, options)
    case 'signal':
      return sendSignal(reload, options)
    case 'postgres':
      return reloadPostgres(reload.url, files, options)
    case 'redis':
      return reloadRedis(reload.url, files, options)
  }
}
