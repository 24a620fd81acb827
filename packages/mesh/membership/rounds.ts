/** Something that is done on request: never twice at once, and once more for whoever asks while it is done. */
export class Rounds {
  readonly #round: () => Promise<void>
  #running: Promise<void> | undefined
  #again = false
  #isOver = false

  /** @param round never rejects */
  constructor(round: () => Promise<void>) {
    this.#round = round
  }

  /** Fulfilled when a round is over that has begun after this call. */
  run(): Promise<void> {
    if (this.#running === undefined) {
      this.#running = this.#runUntilQuiet().finally(() => {
        this.#running = undefined
      })
    } else this.#again = true
    return this.#running
  }

  /** Fulfilled when nothing is being done. */
  async quiet(): Promise<void> {
    await this.#running
  }

  /** Begins no round any more for those who ask while one is done. Fulfilled when that is over. */
  end(): Promise<void> {
    this.#isOver = true
    return this.quiet()
  }

  async #runUntilQuiet(): Promise<void> {
    do {
      this.#again = false
      await this.#round()
    } while (this.#again && !this.#isOver)
  }
}
