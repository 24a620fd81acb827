import type { Certificate } from '@datapunk/pki'
import type { Clock } from './clock.ts'
import type { Connection, Connections } from './connections/connections.ts'
import type { CurrentSource } from './gate/current.ts'
import type { Gate } from './gate/gate.ts'
import type { Refusal } from './refusal.ts'

/** What the serving and the calling half of a mesh share. */
export interface Core {
  readonly source: CurrentSource
  readonly gate: Gate
  readonly connections: Connections
  /** What a server shows with one of this service's certificates now. */
  readonly stapleOf: (leaf: Certificate) => Buffer | undefined
  readonly clock: Clock
  readonly random: (size: number) => Buffer
  /** Told once per connection, when its verdict is carried out. */
  readonly accepted: (connection: Connection) => void
  readonly refused: (refusal: Refusal) => void
}
