import { ProtocolError } from '@datapunk/protocol'
import { TokenBucket } from './token-bucket.ts'

/** A peer says a hello, an acknowledgement a bundle and a report every ten seconds: this is far more. */
const BURST = 60
const PER_SECOND = 5

/** How much one peer may say, so that none keeps the authority from the others. */
export class MessageBudget {
  readonly #clock: () => number
  readonly #bucket: TokenBucket

  /** @param clock milliseconds since the epoch */
  constructor(clock: () => number) {
    this.#clock = clock
    this.#bucket = new TokenBucket({ burst: BURST, refill: 1000 / PER_SECOND }, clock())
  }

  /** @returns whether there was one left */
  take(): boolean {
    return this.#bucket.take(this.#clock())
  }

  /** @throws ProtocolError `MESSAGE_INVALID` when it is used up */
  spend(): void {
    if (this.take()) return
    throw new ProtocolError(
      'MESSAGE_INVALID',
      `found more than ${BURST} messages at once; allowed: that, and ${PER_SECOND} a second`,
    )
  }
}
