export interface TokenBucketOptions {
  /** How many there are at first, and at most. */
  readonly burst: number
  /** Until there is one more, milliseconds. */
  readonly refill: number
}

/** So many at once, and more with time; a clock that is put back brings none. */
export class TokenBucket {
  readonly #burst: number
  readonly #refill: number
  #left: number
  #at: number

  /** @param now milliseconds since the epoch */
  constructor({ burst, refill }: TokenBucketOptions, now: number) {
    this.#burst = burst
    this.#refill = refill
    this.#left = burst
    this.#at = now
  }

  /** @returns whether there was one left */
  take(now: number): boolean {
    this.#left = Math.min(this.#burst, this.#left + Math.max(0, now - this.#at) / this.#refill)
    this.#at = now
    if (this.#left < 1) return false
    this.#left--
    return true
  }
}
