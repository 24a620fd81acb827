/** A thousand events are kept: what one speaker causes at once is a small part of them, and in a day not all. */
const BURST = 20

/** Until there is one more. Milliseconds. */
const REFILL = 10 * 60_000

/** More names than a mesh has instances are made up. */
const MAX_KNOWN = 100_000

/** How many events somebody may cause, so that no talk fills the log, and no stranger uses up what is left to members. */
export class EventBudget {
  readonly #clock: () => number
  readonly #left = new Map<string, { left: number; at: number }>()

  /** @param clock milliseconds since the epoch */
  constructor(clock: () => number) {
    this.#clock = clock
  }

  /** @param who the instance; '' for all strangers together @returns whether there was one left */
  take(who: string): boolean {
    const now = this.#clock()
    const known = this.#left.get(who)
    if (known === undefined && this.#left.size >= MAX_KNOWN) return false
    const { left, at } = known ?? { left: BURST, at: now }
    const filled = Math.min(BURST, left + Math.max(0, now - at) / REFILL)
    this.#left.set(who, { left: filled < 1 ? filled : filled - 1, at: now })
    return filled >= 1
  }
}
