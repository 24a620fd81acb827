/** Milliseconds. A log answers in a few rounds of its own, each a fraction of a second. */
const ANSWER_WITHIN = 5_000

/** Milliseconds. */
const PAUSE = 30_000

/** How long a log that runs elsewhere is waited for: whoever does so keeps others waiting. One that was silent is left alone a while. */
export class CircuitBreaker {
  readonly #clock: () => number
  readonly #answerWithin: number
  #silentAt = Number.NEGATIVE_INFINITY

  /** @param clock milliseconds since the epoch @param answerWithin milliseconds */
  constructor(clock: () => number, answerWithin: number = ANSWER_WITHIN) {
    this.#clock = clock
    this.#answerWithin = answerWithin
  }

  /** @throws whatever `ask` throws; DOMException `TimeoutError` where it takes too long; Error where it did so a moment ago */
  async run<Result>(ask: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    const since = this.#clock() - this.#silentAt
    if (since >= 0 && since < PAUSE)
      throw new Error('it gave no answer a moment ago, and is asked again soon')
    try {
      return await ask(AbortSignal.timeout(this.#answerWithin))
    } catch (error) {
      if (error instanceof DOMException && error.name === 'TimeoutError') this.#silentAt = this.#clock()
      throw error
    }
  }
}
