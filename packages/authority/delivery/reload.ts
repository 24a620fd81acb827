import type { Reload } from '@datapunk/protocol'
import type { ReloadFiles } from '../engine/handover.ts'
import { runCommand } from './reload-command.ts'
import type { ReloadOptions } from './reload-options.ts'
import { reloadPostgres } from './reload-postgres.ts'
import { reloadRedis } from './reload-redis.ts'
import { sendSignal } from './reload-signal.ts'

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
