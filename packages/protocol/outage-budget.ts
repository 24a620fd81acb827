const DAY = 24 * 60 * 60 * 1000

/**
 * How long after its signature a bundle is followed by the next one: a day, or a quarter of its life, so that its age says that the
 * authority is alive.
 *
 * @param life milliseconds
 */
export function bundlePace(life: number): number {
  return Math.min(DAY, life / 4)
}

/** What lasts from a moment to another, milliseconds since the epoch. */
export interface Lasting {
  readonly begins: number
  readonly ends: number
}

/** What is left of a bundle, milliseconds, just before the next one is signed. */
export function leastOfBundle({ begins, ends }: Lasting): number {
  return ends - begins - bundlePace(ends - begins)
}

/**
 * What is left of a certificate, or of a list, milliseconds, just before it is renewed.
 *
 * @param renewAt as a fraction of its life
 */
export function leastOf({ begins, ends }: Lasting, renewAt: number): number {
  return (1 - renewAt) * (ends - begins)
}
