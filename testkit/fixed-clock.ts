interface Waiting {
  readonly at: number
  readonly call: () => void
}

/**
 * A clock that stands still until a test moves it. Calls that wait on it run in order of time, in `advance`
 * and `set`.
 */
export class FixedClock {
  #now: number
  /** What the clock shows beyond the time that has passed, milliseconds. */
  #offset = 0
  #waiting: Waiting[] = []

  /** @param now milliseconds since the epoch; 2026-01-01T00:00:00Z unless told */
  constructor(now: number = Date.UTC(2026, 0, 1)) {
    this.#now = now
  }

  /** Milliseconds since the epoch. Bound, so that `clock.now` can be passed as a function. */
  readonly now = (): number => this.#now + this.#offset

  /** Calls once, when the clock has moved on by `delay` milliseconds. @returns takes the call back */
  readonly after = (delay: number, call: () => void): (() => void) => {
    const waiting = { at: this.#now + Math.max(0, delay), call }
    this.#waiting.push(waiting)
    return () => {
      this.#waiting = this.#waiting.filter((each) => each !== waiting)
    }
  }

  /** Moves on by so many milliseconds. */
  advance(milliseconds: number): void {
    this.set(this.now() + milliseconds)
  }

  /** The clock is set by so many milliseconds, and no time passes: whoever waits goes on waiting as long as he was to. */
  shift(milliseconds: number): void {
    this.#offset += milliseconds
  }

  /** Moves to a moment; what is due until then is called at its own time. Going back calls nothing. */
  set(wanted: number): void {
    const now = wanted - this.#offset
    for (let next = this.#dueBy(now); next !== undefined; next = this.#dueBy(now)) {
      this.#waiting = this.#waiting.filter((each) => each !== next)
      this.#now = Math.max(this.#now, next.at)
      next.call()
    }
    this.#now = now
  }

  #dueBy(now: number): Waiting | undefined {
    return this.#waiting
      .filter(({ at }) => at <= now)
      .reduce<Waiting | undefined>(
        (first, each) => (first === undefined || each.at < first.at ? each : first),
        undefined,
      )
  }
}
