import { corner, type Frame, type Point, side } from './map-frame.ts'
import { type Hop, labelPlaces } from './map-labels.ts'
import type { DrawnPair, Pair } from './map-layers.ts'
import type { Route } from './map-order.ts'

/** The line of a pair, from the caller to the callee; its arrow begins where it ends. */
export interface DrawnLine {
  readonly pair: Pair
  /** As the `d` of an SVG path. */
  readonly path: string
  /** Where its count is written. */
  readonly label: Point
}

/** As the marker is drawn. */
export const ARROW_LENGTH = 8
const PORTS_APART = 9
/** Of the side of a node, at both ends. */
const WITHOUT_PORTS = 7

export interface Places {
  readonly nodes: ReadonlyMap<string, Point>
  /** The middle of each stop, across the flow. */
  readonly across: ReadonlyMap<string, number>
  readonly layerOf: ReadonlyMap<string, number>
}

/** A line for each route, by way of its stops. */
export function linesOf(routes: readonly Route[], places: Places, frame: Frame): readonly DrawnLine[] {
  const { nodes, across } = places
  const exits = ports(
    routes,
    frame,
    ({ left }) => left,
    ({ stops }) => across.get(stops[1]!.id)!,
  )
  const entries = ports(
    routes,
    frame,
    ({ right }) => right,
    ({ stops }) => across.get(stops.at(-2)!.id)!,
  )
  const courses = routes.map((route): Course => {
    const { left, right, pair } = route.drawn
    const start = side(frame, nodes.get(left)!, 'far', exits.get(route)!)
    const end = side(frame, nodes.get(right)!, 'near', entries.get(route)!)
    const points = [start, ...bends(route, places, frame), end]
    const isForward = left === pair.caller
    return {
      ...{ pair, flow: frame.flow },
      points: withoutTip(isForward ? points : points.toReversed(), frame.flow, isForward),
    }
  })
  const labels = labelPlaces(courses.map(middleHop))
  return courses.map((course, at) => ({ pair: course.pair, path: pathOf(course), label: labels[at]! }))
}

/** Where a line goes: curves from column to column, straight through those between. */
interface Course {
  readonly pair: Pair
  readonly points: readonly Point[]
  readonly flow: Frame['flow']
}

/** Both ends of the straight bit in each column that the line goes through. */
function bends({ drawn, stops }: Route, { across, layerOf }: Places, frame: Frame): readonly Point[] {
  const first = layerOf.get(drawn.left)! + 1
  return stops.slice(1, -1).flatMap(({ id }, at) => {
    const place = corner(frame, (first + at) * frame.stride, across.get(id)!)
    return [side(frame, place, 'near', 0), side(frame, place, 'far', 0)]
  })
}

/** How far from the middle of a node's side each line leaves it, in the order in which they part. */
function ports(
  routes: readonly Route[],
  { flow, node }: Frame,
  endOf: (drawn: DrawnPair) => string,
  towards: (route: Route) => number,
): ReadonlyMap<Route, number> {
  const offsets = new Map<Route, number>()
  const room = (flow === 'right' ? node.height : node.width) - 2 * WITHOUT_PORTS
  for (const group of Map.groupBy(routes, ({ drawn }) => endOf(drawn)).values()) {
    const apart = Math.min(PORTS_APART, room / Math.max(1, group.length - 1))
    const ordered = group.toSorted((a, b) => towards(a) - towards(b))
    for (const [at, route] of ordered.entries()) offsets.set(route, (at - (ordered.length - 1) / 2) * apart)
  }
  return offsets
}

function pathOf({ points, flow }: Course): string {
  let before = points[0]!
  let text = `M${spot(before)}`
  for (const [at, point] of points.slice(1).entries()) {
    text += at % 2 === 1 ? `L${spot(point)}` : curve(before, point, flow)
    before = point
  }
  return text
}

/** The curve in the middle of its way: there its label is looked for. */
function middleHop({ points, flow }: Course): Hop {
  const at = 2 * Math.floor((points.length / 2 - 1) / 2)
  return { from: points[at]!, to: points[at + 1]!, flow }
}

/** Its last bit is the arrow's. */
function withoutTip(points: readonly Point[], flow: Frame['flow'], isForward: boolean): readonly Point[] {
  const { x, y } = points.at(-1)!
  const back = isForward ? -ARROW_LENGTH : ARROW_LENGTH
  return [...points.slice(0, -1), flow === 'right' ? { x: x + back, y } : { x, y: y + back }]
}

function curve(from: Point, to: Point, flow: Frame['flow']): string {
  const [x, y] = flow === 'right' ? [(to.x - from.x) / 2, 0] : [0, (to.y - from.y) / 2]
  const [one, other] = [
    { x: from.x + x, y: from.y + y },
    { x: to.x - x, y: to.y - y },
  ]
  return `C${spot(one)} ${spot(other)} ${spot(to)}`
}

function spot({ x, y }: Point): string {
  return `${Math.round(x * 10) / 10},${Math.round(y * 10) / 10}`
}
