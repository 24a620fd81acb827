/** Time, as an object, so that years of a mesh's life can pass in a test. The real one is made in `join` only. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /**
   * Calls once, later, without keeping the process alive.
   *
   * @param delay milliseconds, at most 2^31 − 1
   * @returns takes the call back
   */
  after(delay: number, call: () => void): () => void
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after: (delay, call) => {
    const timer = setTimeout(call, delay)
    timer.unref()
    return () => clearTimeout(timer)
  },
}

const LONGEST_DELAY = 2 ** 31 - 1

/**
 * A delay that was given, as a timer can hold it: Node takes whatever else for one millisecond.
 *
 * @param option whose it is, as its user writes it
 * @throws TypeError
 */
export function checkDelay(option: string, delay: number): number {
  if (delay >= 1 && delay <= LONGEST_DELAY) return delay
  throw new TypeError(`${option}: found ${delay}; allowed: milliseconds from 1 to ${LONGEST_DELAY}`)
}

/** Looked at anew this often: a timer stands still while a machine sleeps, and doesn't notice that a clock is set. */
const LONGEST_WAIT = 60_000

/**
 * Calls when the clock shows a point in time, however far away; at most a minute later where it was set forward meanwhile, or the
 * machine slept.
 *
 * @param at milliseconds since the epoch
 * @returns takes the call back
 */
export function atTime(clock: Clock, at: number, call: () => void): () => void {
  const wait = () => Math.min(Math.max(0, at - clock.now()), LONGEST_WAIT)
  const look = () => {
    if (at <= clock.now()) call()
    else cancel = clock.after(wait(), look)
  }
  let cancel = clock.after(wait(), look)
  return () => cancel()
}
