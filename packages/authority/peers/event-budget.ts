import { TokenBucket } from './token-bucket.ts'

/** A thousand events are kept: what one speaker causes at once is a small part of them, and in a day not all. Milliseconds. */
const EVENTS = { burst: 20, refill: 10 * 60_000 }

/** More names than a mesh has instances are made up. */
const MAX_KNOWN = 100_000

/** How many events somebody may cause, so that no talk fills the log, and no stranger uses up what is left to members. */
export class EventBudget {
  readonly #clock: () => number
  readonly #left = new Map<string, TokenBucket>()

  /** @param clock milliseconds since the epoch */
  constructor(clock: () => number) {
    this.#clock = clock
  }

  /** @param who the instance; '' for all strangers together @returns whether there was one left */
  take(who: string): boolean {
    const now = this.#clock()
    const known = this.#left.get(who)
    if (known !== undefined) return known.take(now)
    if (this.#left.size >= MAX_KNOWN) return false
    const bucket = new TokenBucket(EVENTS, now)
    this.#left.set(who, bucket)
    return bucket.take(now)
  }
}
