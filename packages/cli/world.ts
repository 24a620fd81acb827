import type { ReadStream, WriteStream } from 'node:tty'

/** All that a command has of the world around it. */
export interface World {
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  /** Milliseconds since some moment; goes neither back nor, while the machine sleeps, on. */
  readonly monotonic: () => number
  readonly randomBytes: (length: number) => Uint8Array
  /** Environment variables; the passphrase of the CA keys is removed from them when an authority is opened. */
  readonly environment: Record<string, string | undefined>
  readonly pid: number
  /** The user ID of this process, where the system has them. */
  readonly uid?: number | undefined
  readonly stdin: ReadStream
  readonly stdout: WriteStream
  readonly stderr: WriteStream
  /** Calls `listener` when somebody asks this process to end, until the function that it returns is called. */
  readonly onSignal: (listener: () => void) => () => void
}
