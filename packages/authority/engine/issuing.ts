import type { Config } from '@datapunk/protocol'
import type { AuthorityEvent } from '../events/event.ts'
import type { LogSeat } from '../scts/log-seat.ts'
import type { Store } from '../store/contract.ts'

/** What issuing needs besides the request: where it is recorded, and where time and randomness come from. */
export interface Issuing {
  readonly store: Store
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  readonly randomBytes: (length: number) => Uint8Array
  /** Who asked, for the audit. */
  readonly actor: string
  /** Says where the status of certificates is served, and whether they are logged. */
  readonly config: Pick<Config, 'authority' | 'revocation' | 'transparency'>
  /** Where they are logged. */
  readonly logSeat: LogSeat
  /** Told of a log that was put back. */
  readonly report: (event: AuthorityEvent) => void
}
