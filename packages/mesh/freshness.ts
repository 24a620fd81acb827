import type { BundleHead } from '@datapunk/protocol'
import { atTime, type Clock } from './clock.ts'

/** A bundle is signed anew long before half of its life is over: who has none by then is told. */
const STALE_AT = 0.5

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
    const expire = () => {
      this.#cancel = atTime(this.#clock, expiresAt + this.#skew + 1, () => this.#listener.expired())
    }
    const staleAt = issuedAt + STALE_AT * (expiresAt - issuedAt)
    this.#cancel = atTime(this.#clock, staleAt, () => {
      expire()
      this.#listener.stale()
    })
  }

  stop(): void {
    this.#cancel()
  }
}
