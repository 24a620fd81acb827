import { z } from 'zod'

const UNITS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** Reads `90s`, `5m`, `24h` or `7d`. @returns milliseconds, or undefined for anything else */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,6})(s|m|h|d)$/.exec(text)
  return match === null ? undefined : Number(match[1]) * UNITS[match[2]!]!
}

/** A duration in the config file, bounds included. Milliseconds in the program. */
export function duration(least: string, most: string) {
  const error = `a duration from ${least} to ${most}, as in 90s, 5m, 24h or 7d`
  const [low, high] = [parseDuration(least)!, parseDuration(most)!]
  return z
    .string({ error })
    .refine(
      (text) => {
        const value = parseDuration(text)
        return value !== undefined && value >= low && value <= high
      },
      { error },
    )
    .transform((text) => parseDuration(text)!)
}
