import { AuthorityError, AuthorityReader, connectAdmin, type Plan, type Status } from '@datapunk/authority'
import { type MeshDocuments, MeshError, readMeshDocuments } from '@datapunk/mesh'
import { PkiError } from '@datapunk/pki'
import { type Config, layoutOf, ProtocolError } from '@datapunk/protocol'
import { CliError } from '../cli-error.ts'
import type { World } from '../world.ts'
import { realSystem, type System } from './system.ts'

/** What every check is given: all that could be read, and why the rest could not. */
export interface Examination {
  readonly config: Config
  readonly system: System
  /** The user ID of this process, where the system has them. */
  readonly uid: number | undefined
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Whether `mtls up` runs here. */
  readonly isRunning: boolean
  /** By the running authority, else by its records. */
  readonly status: Status | Unread
  /** By the records alone. */
  readonly plan: Plan | Unread
  /** Also what peers refuse because it is of the future: that is for `clockFindings` to say. */
  readonly mesh: MeshDocuments | Unread
}

export interface Unread {
  readonly error: AuthorityError | CliError | MeshError | PkiError | ProtocolError
}

export function isRead<Value extends object>(value: Value | Unread): value is Value {
  return !('error' in value)
}

/** Whether it is known that no mesh was made here. */
export function isNothingYet(status: Examination['status']): boolean {
  return isRead(status) && status.meshId === undefined
}

export async function examine(
  config: Config,
  { clock, uid }: Pick<World, 'clock' | 'uid'>,
  system: System = realSystem,
): Promise<Examination> {
  const asker = { purpose: 'doctor', uid }
  const running = await connectAdmin(layoutOf(config).authority.adminSocket, asker)
  const [status, plan] = await recorded(config, clock)
  return {
    ...{ config, system, uid },
    now: clock(),
    isRunning: running !== undefined,
    status: running === undefined ? status : await reading(() => running.status()),
    plan,
    mesh: await reading(async () => readMeshDocuments(config, { latest: Infinity })),
  }
}

async function recorded(config: Config, clock: () => number): Promise<[Status | Unread, Plan | Unread]> {
  const observation = await reading(async () => new AuthorityReader({ config, clock }))
  if (!isRead(observation)) return [observation, observation]
  try {
    return [await reading(async () => observation.status()), await reading(async () => observation.plan())]
  } finally {
    observation.close()
  }
}

async function reading<Value extends object>(read: () => Promise<Value>): Promise<Value | Unread> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof AuthorityError || error instanceof CliError) return { error }
    if (error instanceof MeshError || error instanceof PkiError || error instanceof ProtocolError)
      return { error }
    throw error
  }
}
