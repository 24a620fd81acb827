import type { ConsoleAction, ConsoleProof } from '@datapunk/protocol/console'
import type { PageMessage, PageState } from './page-state.ts'
import type { ProofCheck } from './proof/proof.ts'
import type { Call } from './session/call.ts'
import type { Store } from './store.ts'

export interface CommandOptions {
  readonly store: Store<PageState, PageMessage>
  /** Calls of the session that is open. */
  readonly call: Call
  /** @throws PageError `CONSOLE_UNREACHABLE` */
  readonly loadRest: () => Promise<true>
  /** @throws PageError `CONSOLE_UNREACHABLE` */
  readonly checkProof: (proof: ConsoleProof, serial: string) => Promise<ProofCheck>
  /** The session is over. */
  readonly onEnd: (reason: string | undefined) => void
}

export type RevokeReason = Extract<ConsoleAction, { action: 'revoke' }>['reason']
