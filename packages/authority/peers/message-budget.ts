import { ProtocolError } from '@datapunk/protocol'

/** A peer says a hello, an acknowledgement a bundle and a report every ten seconds: this is far more. */
const BURST = 60
const PER_SECOND = 5

/** How much one peer may say, so that none keeps the authority from the others. */
export class MessageBudget {
  readonly #clock: () => number
  #left = BURST
  #at: number

  /** @param clock milliseconds since the epoch */
  constructor(clock: () => number) {
    this.#clock = clock
    this.#at = clock()
  }

  /** @returns whether there was one left */
  take(): boolean {
    const now = this.#clock()
    this.#left = Math.min(BURST, this.#left + (Math.max(0, now - this.#at) / 1000) * PER_SECOND)
    this.#at = now
    if (this.#left < 1) return false
    this.#left--
    return true
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
