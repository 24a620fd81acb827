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
