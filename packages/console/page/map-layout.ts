import { type DrawnPair, layersOf, type Pair } from './map-layers.ts'
import { orderedColumns, type Route } from './map-order.ts'
import { rowsOf } from './map-rows.ts'

export interface Point {
  readonly x: number
  readonly y: number
}

/** The line of a pair, from the caller to the callee. */
export interface DrawnLine {
  readonly pair: Pair
  /** As the `d` of an SVG path. */
  readonly path: string
  /** Where its count is written. */
  readonly label: Point
}

export interface MapLayout {
  readonly width: number
  readonly height: number
  /** The upper left corner of each service. */
  readonly nodes: ReadonlyMap<string, Point>
  readonly lines: readonly DrawnLine[]
}

export const NODE_WIDTH = 148
export const NODE_HEIGHT = 48
const MARGIN = 10
/** Between columns, from edge to edge. */
const LEAST_GAP = 64
const WIDEST_GAP = 200
/** Between services that neither call nor are called. */
const LOOSE_GAP = 14
const PORTS_APART = 9

/** Whether callers stand left of those they call, or above them: where it is narrow. */
type Flow = 'right' | 'down'

/**
 * Where everything lies: services in columns, callers left. The same names, pairs and width give the same map, whatever the
 * counts.
 *
 * @param names of all services, sorted
 * @param pairs between them
 * @param room how wide it may be, in pixels; it is wider where that is too little
 */
export function mapLayout(names: readonly string[], pairs: readonly Pair[], room: number): MapLayout {
  const layers = layersOf(pairs)
  const columns = orderedColumns(layers)
  const breadth = Math.max(0, ...columns.columns.map(({ length }) => length))
  const flow = flowFor(columns.columns.length, breadth, room)
  const across = rowsOf(columns, flow === 'right' ? NODE_HEIGHT + 24 : NODE_WIDTH + LOOSE_GAP)
  const along = stride(columns.columns.length, flow, room)
  const nodes = new Map<string, Point>()
  for (const [name, layer] of layers.layerOf) nodes.set(name, corner(layer * along, across.get(name)!, flow))
  const graph = extent(nodes)
  for (const [at, name] of names.filter((one) => !nodes.has(one)).entries())
    nodes.set(name, loosePlace(at, graph, room))
  const lines = routedLines(columns.routes, nodes, across, { along, flow, layerOf: layers.layerOf })
  const { width, height } = extent(nodes)
  return { width, height, nodes, lines }
}

function flowFor(columns: number, breadth: number, room: number): Flow {
  const isTooWide = columns * NODE_WIDTH + (columns - 1) * LEAST_GAP + 2 * MARGIN > room
  const fitsDownwards = breadth * (NODE_WIDTH + LOOSE_GAP) + 2 * MARGIN <= room
  return isTooWide && fitsDownwards ? 'down' : 'right'
}

/** From one column to the next. */
function stride(columns: number, flow: Flow, room: number): number {
  if (flow === 'down') return NODE_HEIGHT + LEAST_GAP
  const spare = (room - 2 * MARGIN - columns * NODE_WIDTH) / Math.max(1, columns - 1)
  return NODE_WIDTH + Math.round(Math.min(WIDEST_GAP, Math.max(LEAST_GAP, spare)))
}

function corner(along: number, across: number, flow: Flow): Point {
  return flow === 'right'
    ? { x: MARGIN + along, y: MARGIN + across }
    : { x: MARGIN + across, y: MARGIN + along }
}

function extent(nodes: ReadonlyMap<string, Point>): { width: number; height: number } {
  const corners = [...nodes.values()]
  return {
    width: Math.max(0, ...corners.map(({ x }) => x)) + NODE_WIDTH + MARGIN,
    height: nodes.size === 0 ? 0 : Math.max(...corners.map(({ y }) => y)) + NODE_HEIGHT + MARGIN,
  }
}

/** In rows below the graph. */
function loosePlace(at: number, graph: { readonly height: number }, room: number): Point {
  const fitting = Math.floor((room - 2 * MARGIN + LOOSE_GAP) / (NODE_WIDTH + LOOSE_GAP))
  const perRow = Math.max(1, fitting)
  const top = graph.height === 0 ? MARGIN : graph.height + LOOSE_GAP
  return {
    x: MARGIN + (at % perRow) * (NODE_WIDTH + LOOSE_GAP),
    y: top + Math.floor(at / perRow) * (NODE_HEIGHT + LOOSE_GAP),
  }
}

interface Drawing {
  readonly along: number
  readonly flow: Flow
  readonly layerOf: ReadonlyMap<string, number>
}

function routedLines(
  routes: readonly Route[],
  nodes: ReadonlyMap<string, Point>,
  across: ReadonlyMap<string, number>,
  drawing: Drawing,
): readonly DrawnLine[] {
  const exits = ports(
    routes,
    ({ left }) => left,
    ({ stops }) => across.get(stops[1]!.id)!,
  )
  const entries = ports(
    routes,
    ({ right }) => right,
    ({ stops }) => across.get(stops.at(-2)!.id)!,
  )
  return routes.map((route) => {
    const { drawn, stops } = route
    const bends = stops.slice(1, -1).flatMap(({ id }, at) => {
      const layer = drawing.layerOf.get(drawn.left)! + 1 + at
      const start = corner(layer * drawing.along, across.get(id)!, drawing.flow)
      return [side(start, 'near', 0, drawing.flow), side(start, 'far', 0, drawing.flow)]
    })
    const points = [
      side(nodes.get(drawn.left)!, 'far', exits.get(route)!, drawing.flow),
      ...bends,
      side(nodes.get(drawn.right)!, 'near', entries.get(route)!, drawing.flow),
    ]
    return lineOf(drawn, points, drawing.flow)
  })
}

/** How far from the middle of a service's side each line leaves it, in the order in which they part. */
function ports(
  routes: readonly Route[],
  endOf: (drawn: DrawnPair) => string,
  towards: (route: Route) => number,
): ReadonlyMap<Route, number> {
  const offsets = new Map<Route, number>()
  for (const group of Map.groupBy(routes, ({ drawn }) => endOf(drawn)).values()) {
    const apart = Math.min(PORTS_APART, (NODE_HEIGHT - 14) / Math.max(1, group.length - 1))
    const ordered = group.toSorted((a, b) => towards(a) - towards(b))
    for (const [at, route] of ordered.entries()) offsets.set(route, (at - (ordered.length - 1) / 2) * apart)
  }
  return offsets
}

/** A point on the side of a service where lines come in (`near`) or leave (`far`). */
function side({ x, y }: Point, which: 'near' | 'far', offset: number, flow: Flow): Point {
  return flow === 'right'
    ? { x: which === 'near' ? x : x + NODE_WIDTH, y: y + NODE_HEIGHT / 2 + offset }
    : { x: x + NODE_WIDTH / 2 + offset, y: which === 'near' ? y : y + NODE_HEIGHT }
}

function lineOf({ pair, left }: DrawnPair, points: readonly Point[], flow: Flow): DrawnLine {
  const path = left === pair.caller ? points : points.toReversed()
  const [first, ...rest] = path
  let before = first as Point
  let text = `M${spot(before)}`
  for (const [at, point] of rest.entries()) {
    text += at % 2 === 1 ? `L${spot(point)}` : curve(before, point, flow)
    before = point
  }
  const hop = 2 * Math.floor((path.length / 2 - 1) / 2)
  return { pair, path: text, label: middle(path[hop]!, path[hop + 1]!) }
}

function curve(from: Point, to: Point, flow: Flow): string {
  const bend = flow === 'right' ? { x: (to.x - from.x) / 2, y: 0 } : { x: 0, y: (to.y - from.y) / 2 }
  const [one, other] = [
    { x: from.x + bend.x, y: from.y + bend.y },
    { x: to.x - bend.x, y: to.y - bend.y },
  ]
  return `C${spot(one)} ${spot(other)} ${spot(to)}`
}

function middle(one: Point, other: Point): Point {
  return { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 }
}

function spot({ x, y }: Point): string {
  return `${Math.round(x * 10) / 10},${Math.round(y * 10) / 10}`
}
