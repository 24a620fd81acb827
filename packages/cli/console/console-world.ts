import type { World } from '../world.ts'
import type { FromConsole } from './messages.ts'

export interface ConsoleChannel {
  readonly send: (message: FromConsole) => void
  readonly onMessage: (listener: (message: unknown) => void) => void
}

export type ConsoleWorld = Pick<World, 'clock' | 'randomBytes' | 'uid'>
