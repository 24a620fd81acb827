import type { Clock } from '../clock.ts'

/** Notices that nothing was heard for too long: over TCP the other end can be gone without a word, and anywhere it can hang. */
export class Silence {
  readonly #clock: Clock
  readonly #longest: number
  readonly #tooLong: () => void
  #cancel = () => {}

  /** @param longest milliseconds; counted from now */
  constructor(clock: Clock, longest: number, tooLong: () => void) {
    this.#clock = clock
    this.#longest = longest
    this.#tooLong = tooLong
    this.heard()
  }

  heard(): void {
    this.#cancel()
    this.#cancel = this.#clock.after(this.#longest, this.#tooLong)
  }

  stop(): void {
    this.#cancel()
  }
}
