import type { Point } from './map-frame.ts'

/** A curve from one column to the next. */
export interface Hop {
  readonly from: Point
  readonly to: Point
  /** Along which axis it begins and ends. */
  readonly flow: 'right' | 'down'
}

/** Pixels that a number of four digits takes up, and a little room. */
const WIDTH = 34
const HEIGHT = 16

/** Where on its curve a label may be, the best first. */
const PARTS = [0.5, 0.35, 0.65, 0.2, 0.8]

/** A place for the label of each curve: in its middle, or beside that where another label is already. */
export function labelPlaces(hops: readonly Hop[]): readonly Point[] {
  const taken: Point[] = []
  for (const hop of hops) {
    const places = PARTS.map((part) => pointOf(hop, part))
    taken.push(places.find((place) => !taken.some((other) => isUpon(place, other))) ?? places[0]!)
  }
  return taken
}

function isUpon(one: Point, other: Point): boolean {
  return Math.abs(one.x - other.x) < WIDTH && Math.abs(one.y - other.y) < HEIGHT
}

/** A point of the curve whose control points lie halfway. @param part from 0 to 1 */
function pointOf({ from, to, flow }: Hop, part: number): Point {
  const ahead = bezier(part, 0, 0.5, 0.5, 1)
  const beside = bezier(part, 0, 0, 1, 1)
  const [x, y] = flow === 'right' ? [ahead, beside] : [beside, ahead]
  return { x: Math.round(from.x + (to.x - from.x) * x), y: Math.round(from.y + (to.y - from.y) * y) }
}

function bezier(part: number, a: number, b: number, c: number, d: number): number {
  const rest = 1 - part
  return rest ** 3 * a + 3 * rest ** 2 * part * b + 3 * rest * part ** 2 * c + part ** 3 * d
}
