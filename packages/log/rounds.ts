/** Something that is read on request: never twice at once, and once more, for all of them, for those who ask meanwhile. */
export class Rounds<Result> {
  readonly #round: () => Promise<Result>
  #running: Promise<Result> | undefined
  #next: Promise<Result> | undefined

  constructor(round: () => Promise<Result>) {
    this.#round = round
  }

  /** @returns what came of a round that has begun after this call */
  run(): Promise<Result> {
    if (this.#next !== undefined) return this.#next
    if (this.#running === undefined) return this.#begin()
    const begin = () => this.#begin()
    this.#next = this.#running.then(begin, begin)
    return this.#next
  }

  #begin(): Promise<Result> {
    this.#next = undefined
    this.#running = this.#round().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }
}
