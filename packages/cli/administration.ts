import { type Administration, Authority, type AuthorityEvent, connectAdmin } from '@datapunk/authority'
import { logOpener, readUrl } from '@datapunk/log'
import { type Config, layoutOf } from '@datapunk/protocol'
import { type Context, loadConfig } from './context.ts'

export interface AdministrationOptions {
  /** For whoever finds the lock taken, and for the audit: the command's name. */
  readonly purpose: string
  /** Told what is done while it is done; not called where a running authority does it. */
  readonly report?: (event: AuthorityEvent) => void
  /** As `mtls apply --adopt-ca`. */
  readonly adopting?: boolean
}

/** @param running whether the authority is another process, which `mtls up` keeps */
export type Deed<Result> = (
  administration: Administration,
  config: Config,
  running: boolean,
) => Promise<Result>

/** Asks the authority that runs (`mtls up`: `running` is true), or is the authority for the time of the deed. */
export async function withAdministration<Result>(
  context: Context,
  options: AdministrationOptions,
  deed: Deed<Result>,
): Promise<Result> {
  const config = loadConfig(context)
  const running = await connectAdmin(layoutOf(config).authority.adminSocket, {
    purpose: options.purpose,
    uid: context.world.uid,
  })
  if (running !== undefined) return deed(running, config, true)
  return withAuthority(context, config, options, (authority) => deed(authority, config, false))
}

/** Is the authority for the time of the deed, and lets go of the lock whatever happens. */
export async function withAuthority<Result>(
  { world }: Context,
  config: Config,
  { purpose, report, adopting = false }: AdministrationOptions,
  deed: (authority: Authority) => Promise<Result>,
): Promise<Result> {
  const { clock, monotonic, randomBytes, environment, pid, uid } = world
  const options = {
    config,
    clock,
    monotonic,
    randomBytes,
    environment,
    pid,
    uid,
    purpose,
    adopting,
    // Wherever its key lies, the authority is handed a way to submit alone.
    openLog: logOpener(config, clock),
    readLogElsewhere: (origin: string, path: string) => readUrl(`http://${origin}`)(path),
    ...(report && { report }),
  }
  const authority = await Authority.open(options)
  try {
    return await deed(authority)
  } finally {
    await authority.close()
  }
}
