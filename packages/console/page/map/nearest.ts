import type { Point } from './map-frame.ts'

const directions: Readonly<Record<string, Point>> = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
}

/** How much further away something counts for each pixel that it lies beside the way. */
const BESIDE = 2.5

/**
 * Where an arrow key leads: the nearest point in its direction, rather straight on than close by.
 *
 * @returns the number of the point; undefined where nothing lies there, or the key is no arrow
 */
export function nearestTowards(key: string, from: Point, points: readonly Point[]): number | undefined {
  const towards = directions[key]
  if (towards === undefined) return undefined
  let [found, least] = [undefined as number | undefined, Number.POSITIVE_INFINITY]
  for (const [at, { x, y }] of points.entries()) {
    const ahead = (x - from.x) * towards.x + (y - from.y) * towards.y
    const beside = Math.abs((x - from.x) * towards.y) + Math.abs((y - from.y) * towards.x)
    const distance = ahead + beside * BESIDE
    if (ahead > 1 && distance < least) [found, least] = [at, distance]
  }
  return found
}
