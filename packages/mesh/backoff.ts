/** Milliseconds. */
export interface Waits {
  readonly first: number
  readonly longest: number
}

/**
 * How long to wait before the next try: doubled at every failure up to the longest, and drawn between half and all of it, so
 * that those who failed together do not come back together.
 *
 * @param failures before the one that is waited for now
 * @returns milliseconds
 */
export function waitAfter(
  failures: number,
  { first, longest }: Waits,
  random: (size: number) => Buffer,
): number {
  const most = Math.min(longest, first * 2 ** failures)
  return most * (0.5 + random(2).readUInt16BE() / 0x1_ff_fe)
}
