/** Milliseconds. */
export const DAY = 24 * 60 * 60 * 1000

/** Certificates, lists and answers know no fractions (RFC 5280 4.1.2.5), and our log says none. @param time milliseconds since the epoch */
export function wholeSeconds(time: number): number {
  return Math.floor(time / 1000) * 1000
}
