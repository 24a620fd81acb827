import type { AttemptRow } from '../store/rows.ts'

/** The first wait after a failure, and the longest; doubled in between. Milliseconds. */
const FIRST_WAIT = 30_000
const LONGEST_WAIT = 60 * 60 * 1000

const MINUTE = 60_000

/**
 * When something that has failed is tried again: exponential, and drawn between half of it and all, so that whatever failed
 * together is not tried together.
 *
 * @param attempts how often it has failed in a row, from 1
 * @returns milliseconds since the epoch
 */
export function nextTry(now: number, attempts: number, randomBytes: (length: number) => Uint8Array): number {
  const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(attempts - 1, 20))
  const drawn = Buffer.from(randomBytes(4)).readUInt32BE() / 2 ** 32
  return Math.round(now + wait * (0.5 + drawn / 2))
}

/** Whether what is tried again has failed: what waits for peers, and may go on any moment, has not. */
export function hasFailed(
  { attempts, nextTryAt }: Pick<AttemptRow, 'attempts' | 'nextTryAt'>,
  now: number,
): boolean {
  return attempts > 0 || nextTryAt <= now
}

/** How many renewals may begin: never more than so many in a minute (`rotation.per_minute`). */
export class Pace {
  readonly #clock: () => number
  #windowEnds = Number.NEGATIVE_INFINITY
  #begun = 0

  /** @param clock milliseconds since the epoch */
  constructor(clock: () => number) {
    this.#clock = clock
  }

  /** When more may begin, should there be none left now. */
  get windowEnds(): number {
    return this.#windowEnds
  }

  /** @returns how many of `wanted` may begin now */
  take(wanted: number, perMinute: number): number {
    const now = this.#clock()
    if (now >= this.#windowEnds || now < this.#windowEnds - MINUTE) {
      this.#windowEnds = now + MINUTE
      this.#begun = 0
    }
    const taken = Math.max(0, Math.min(wanted, perMinute - this.#begun))
    this.#begun += taken
    return taken
  }
}
