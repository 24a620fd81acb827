import type { ReloadFiles } from '../engine/handover.ts'

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
