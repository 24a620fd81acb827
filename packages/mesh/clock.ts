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

/** Looked at anew this often: timers stand still while a machine sleeps, and can't be longer than 24.8 days. */
const LONGEST_WAIT = 60 * 60 * 1000

/**
 * Calls at a point in time, however far away.
 *
 * @param at milliseconds since the epoch
 * @returns takes the call back
 */
export function atTime(clock: Clock, at: number, call: () => void): () => void {
  let cancel = () => {}
  const wait = () => {
    const left = at - clock.now()
    cancel =
      left <= 0
        ? clock.after(0, call)
        : clock.after(Math.min(left, LONGEST_WAIT), left <= LONGEST_WAIT ? call : wait)
  }
  wait()
  return () => cancel()
}
