import {
  type Administration,
  AuthorityError,
  AuthorityReader,
  connectAdmin,
  type Plan,
  type Status,
} from '@datapunk/authority'
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
  /** Whether `mtls up` runs here; undefined where this user may not ask. */
  readonly isRunning: boolean | undefined
  /** By the running authority, else by its records. */
  readonly status: Status | Unread
  /** By the records alone. */
  readonly plan: Plan | Unread
  /** Also what peers refuse because it is of the future: that is for `clockFindings` to say. */
  readonly mesh: MeshDocuments | Unread
}

export interface Unread {
  readonly error: { readonly code: string; readonly message: string }
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
  const running = await reading(() => connectAdmin(layoutOf(config).authority.adminSocket, asker))
  const [status, plan] = await recorded(config, clock)
  return {
    ...{ config, system, uid },
    now: clock(),
    ...(await lookAt(running, status)),
    plan,
    mesh: await reading(async () => readMeshDocuments(config, { latest: Infinity })),
  }
}

async function lookAt(
  running: Administration | undefined | Unread,
  recorded: Status | Unread,
): Promise<Pick<Examination, 'isRunning' | 'status'>> {
  if (running === undefined) return { isRunning: false, status: recorded }
  if (!isRead(running)) return { isRunning: undefined, status: running }
  return { isRunning: true, status: await reading(() => running.status()) }
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

async function reading<Value>(read: () => Promise<Value>): Promise<Value | Unread> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof AuthorityError || error instanceof CliError) return { error }
    if (error instanceof MeshError || error instanceof PkiError || error instanceof ProtocolError)
      return { error }
    // What nobody foresaw is found too, and keeps nobody from the rest.
    return { error: { code: 'UNEXPECTED', message: error instanceof Error ? error.message : String(error) } }
  }
}
