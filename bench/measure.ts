/** Rounds of a comparison: enough for an interval of the median that holds with 98.8 %. */
export const ROUNDS = 11

/** A measured value: the median of the rounds, and between which values it lies with at least 95 %. */
export interface Measured {
  readonly median: number
  readonly low: number
  readonly high: number
}

/** Work to be measured: does it `count` times. */
export type Work = (count: number) => unknown

/**
 * Measures several works in turns, in another order each round, so that what else the machine does hits them alike.
 *
 * @param count how often a work is done in one round
 * @returns by name, for each round: microseconds of CPU of this process, all threads, for one
 */
export async function inTurns<Name extends string>(
  works: Readonly<Record<Name, Work>>,
  count: number,
  rounds: number = ROUNDS,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(works) as Name[]
  const costs = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>
  for (const name of names) await works[name](Math.ceil(count / 4))
  for (let round = 0; round < rounds; round++) {
    for (const index of names.keys()) {
      const name = names[(index + round) % names.length] as Name
      costs[name].push((await cpuOf(() => works[name](count))) / count)
    }
  }
  return costs
}

/** @returns microseconds of CPU of this process, all threads */
export async function cpuOf(act: () => unknown): Promise<number> {
  const before = process.cpuUsage()
  await act()
  const { user, system } = process.cpuUsage(before)
  return user + system
}

/** The median, with the interval that order statistics give, whatever the distribution. */
export function measured(values: readonly number[]): Measured {
  const sorted = values.toSorted((a, b) => a - b)
  const rank = rankOfInterval(sorted.length)
  const middle = sorted.length / 2
  const median = (sorted[Math.floor(middle - 0.5)]! + sorted[Math.floor(middle)]!) / 2
  return { median, low: sorted[rank]!, high: sorted[sorted.length - 1 - rank]! }
}

/** The ratio a ÷ b, round by round. */
export function ratio(a: readonly number[], b: readonly number[]): Measured {
  return measured(a.map((value, round) => value / b[round]!))
}

/** How many of the smallest and of the largest values may be left out, so that the rest holds the median with 95 %. */
function rankOfInterval(count: number): number {
  let probability = 0.5 ** count
  let sum = probability
  let rank = 0
  while (rank < (count - 1) / 2) {
    probability *= (count - rank) / (rank + 1)
    sum += probability
    if (2 * sum > 0.05) break
    rank++
  }
  return rank
}
