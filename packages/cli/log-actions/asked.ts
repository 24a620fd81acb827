import type { TrustStatement } from '@datapunk/protocol'
import type { Context } from '../context.ts'
import type { LogSource } from '../logs/log-source.ts'

/** What is asked of the logs of a mesh. */
export interface Asked {
  readonly context: Context
  /** Whose keys the logs sign with. */
  readonly trust: TrustStatement
  /** The newest last. */
  readonly sources: readonly LogSource[]
  /** What it is about; empty where nothing was named. */
  readonly subject: string
}
