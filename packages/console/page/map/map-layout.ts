import { corner, type Frame, frameFor, MARGIN, type NodeSize, nodeSize, type Point } from './map-frame.ts'
import { layersOf, type Pair } from './map-layers.ts'
import { type DrawnLine, linesOf } from './map-lines.ts'
import { type Columns, orderedColumns } from './map-order.ts'
import { rowsOf } from './map-rows.ts'

export interface MapLayout {
  readonly width: number
  readonly height: number
  readonly node: NodeSize
  /** The upper left corner of each service. */
  readonly nodes: ReadonlyMap<string, Point>
  readonly lines: readonly DrawnLine[]
}

/** Between services that neither call nor are called. */
const LOOSE_GAP = 14

/**
 * Where everything lies: services in columns, callers left of those they call, or above them where it is narrow. The same
 * names, pairs and width give the same map, whatever the counts.
 *
 * @param names of all services, sorted
 * @param pairs between them
 * @param room how wide it may be, in pixels; it is wider where that is too little
 */
export function mapLayout(names: readonly string[], pairs: readonly Pair[], room: number): MapLayout {
  const node = nodeSize(names.length)
  const { layerOf, drawn } = layersOf(pairs)
  const columns = orderedColumns({ layerOf, drawn })
  const { frame, across } = placedRows(columns, node, room)
  const nodes = new Map<string, Point>()
  for (const [name, layer] of layerOf) nodes.set(name, corner(frame, layer * frame.stride, across.get(name)!))
  const lines = linesOf(columns.routes, { nodes, across, layerOf }, frame)
  const graph = extent([...nodes.values()], node, [...across.values()], frame.flow)
  for (const [at, name] of names.filter((one) => !nodes.has(one)).entries())
    nodes.set(name, loosePlace(at, graph.height, node, room))
  return { ...extent([...nodes.values()], node, [...across.values()], frame.flow), node, nodes, lines }
}

/** Downwards where columns don't fit beside each other, and their services do. */
function placedRows(
  columns: Columns,
  node: NodeSize,
  room: number,
): { readonly frame: Frame; readonly across: ReadonlyMap<string, number> } {
  const count = columns.columns.length
  const down = frameFor('down', node, count, room)
  const across = fromEdge(rowsOf(columns, down.apart), columns, down)
  const right = frameFor('right', node, count, room)
  const isTooWide = (count - 1) * right.stride + node.width + 2 * MARGIN > room
  const isFitting = Math.max(0, ...across.values()) + node.width / 2 + MARGIN <= room
  if (isTooWide && isFitting) return { frame: down, across }
  return { frame: right, across: fromEdge(rowsOf(columns, right.apart), columns, right) }
}

/** As pixels from the edge of the map: a node takes up more beside its middle than a line. */
function fromEdge(rows: ReadonlyMap<string, number>, { columns }: Columns, { flow, node }: Frame) {
  const thickness = flow === 'right' ? node.height : node.width
  const edges = columns
    .flat()
    .map(({ id, isService }) => rows.get(id)! - (isService ? thickness / 2 : MARGIN))
  const least = Math.min(...edges)
  return new Map([...rows].map(([id, row]) => [id, row - least + MARGIN]))
}

function extent(corners: readonly Point[], node: NodeSize, across: readonly number[], flow: Frame['flow']) {
  const beside = Math.max(0, ...across) + MARGIN
  const right = Math.max(0, ...corners.map(({ x }) => x)) + node.width + MARGIN
  const bottom = Math.max(0, ...corners.map(({ y }) => y)) + node.height + MARGIN
  if (corners.length === 0) return { width: 0, height: 0 }
  return flow === 'right'
    ? { width: right, height: Math.max(bottom, beside) }
    : { width: Math.max(right, beside), height: bottom }
}

/** In rows below the graph. */
function loosePlace(at: number, graphHeight: number, node: NodeSize, room: number): Point {
  const perRow = Math.max(1, Math.floor((room - 2 * MARGIN + LOOSE_GAP) / (node.width + LOOSE_GAP)))
  const top = graphHeight === 0 ? MARGIN : graphHeight + LOOSE_GAP
  return {
    x: MARGIN + (at % perRow) * (node.width + LOOSE_GAP),
    y: top + Math.floor(at / perRow) * (node.height + LOOSE_GAP),
  }
}
