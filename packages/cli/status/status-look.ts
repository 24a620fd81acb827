import { AuthorityReader, connectAdmin, type Status } from '@datapunk/authority'
import { type Config, layoutOf } from '@datapunk/protocol'
import { type Context, loadConfig } from '../context.ts'
import { faultsOf, faultsOfInstance } from './status-faults.ts'

/** The mesh at one moment, and what is wrong with it. */
export interface StatusLook {
  readonly config: Config
  readonly status: Status
  /** Of the mesh as a whole. */
  readonly faults: readonly string[]
  /** Whether there are faults, of the mesh or of an instance. */
  readonly isBad: boolean
  /** Milliseconds since the epoch. */
  readonly now: number
}

export async function lookAtStatus(context: Context): Promise<StatusLook> {
  const { world } = context
  const config = loadConfig(context)
  const status = await askStatus(config, context)
  const now = world.clock()
  const faults = faultsOf(status, now)
  const isLate = status.services.some((one) => faultsOfInstance(one, now).length > 0)
  return { config, status, faults, isBad: faults.length > 0 || isLate, now }
}

/** The running authority knows who is live; where none runs, what lies on disk has to do. */
async function askStatus(config: Config, { world, output }: Context): Promise<Status> {
  const { clock, uid } = world
  const asker = { purpose: 'status', uid }
  const running = await connectAdmin(layoutOf(config).authority.adminSocket, asker)
  if (running !== undefined) return output.during('looking', running.status())
  const observation = new AuthorityReader({ config, clock })
  try {
    return output.whileBusy('looking', () => observation.status())
  } finally {
    observation.close()
  }
}
