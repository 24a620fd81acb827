import type { BundleHead } from '@datapunk/protocol'
import { atTime, type Clock } from './clock.ts'

/** A bundle is signed anew long before half of its life is over: who has none by then is told. */
const STALE_AT = 0.5

/** How often it is looked whether a clock that showed the end was ahead, and has been set right. */
const LOOK_EVERY = 60_000

export interface FreshnessListener {
  /** The bundle grows old: nothing new has come for half its life. */
  stale(): void
  /** It has ended, and with it everything that rests on it. */
  expired(): void
}

/** Watches the age of the bundle that is believed. */
export class Freshness {
  readonly #clock: Clock
  readonly #skew: number
  readonly #listener: FreshnessListener
  #cancel = () => {}

  /** @param skew what clocks may differ by, milliseconds */
  constructor(clock: Clock, skew: number, listener: FreshnessListener) {
    this.#clock = clock
    this.#skew = skew
    this.#listener = listener
  }

  watch({ issuedAt, expiresAt }: BundleHead): void {
    this.#cancel()
    const staleAt = issuedAt + STALE_AT * (expiresAt - issuedAt)
    this.#cancel = atTime(this.#clock, staleAt, () => {
      this.#watchEnd(expiresAt + this.#skew + 1)
      this.#listener.stale()
    })
  }

  #watchEnd(end: number): void {
    this.#cancel = atTime(this.#clock, end, () => {
      const look = () => {
        if (this.#clock.now() < end) this.#watchEnd(end)
        else this.#cancel = this.#clock.after(LOOK_EVERY, look)
      }
      look()
      this.#listener.expired()
    })
  }

  stop(): void {
    this.#cancel()
  }
}
