import type { Apart } from './map-rows.ts'

export interface Point {
  readonly x: number
  readonly y: number
}

export interface NodeSize {
  readonly width: number
  readonly height: number
  readonly isCompact: boolean
}

/** As in the style. */
const ROOMY: NodeSize = { width: 148, height: 48, isCompact: false }
const COMPACT: NodeSize = { width: 126, height: 30, isCompact: true }
/** More services than these are drawn smaller. */
const MAX_ROOMY = 16

export function nodeSize(services: number): NodeSize {
  return services > MAX_ROOMY ? COMPACT : ROOMY
}

export const MARGIN = 10
/** Between columns, from edge to edge. */
const LEAST_GAP = { roomy: 56, compact: 40 }
const WIDEST_GAP = 200
/** Between services in a column; and half of it on each side of a line that goes by. */
const BESIDE = { right: { roomy: 24, compact: 10 }, down: { roomy: 16, compact: 12 } }
const LINES_APART = { roomy: 20, compact: 12 }

/** How a map is drawn: with callers left of those they call, or above them where it is narrow. */
export interface Frame {
  readonly flow: 'right' | 'down'
  readonly node: NodeSize
  /** From one column to the next. */
  readonly stride: number
  readonly apart: Apart
}

export function frameFor(flow: Frame['flow'], node: NodeSize, columns: number, room: number): Frame {
  const size = node.isCompact ? 'compact' : 'roomy'
  const beside = BESIDE[flow][size]
  const thickness = flow === 'right' ? node.height : node.width
  const apart = {
    services: thickness + beside,
    mixed: (thickness + beside) / 2 + LINES_APART[size] / 2,
    lines: LINES_APART[size],
  }
  const least = LEAST_GAP[size]
  const spare = (room - 2 * MARGIN - columns * node.width) / Math.max(1, columns - 1)
  const gap = flow === 'down' ? least : Math.round(Math.min(WIDEST_GAP, Math.max(least, spare)))
  return { flow, node, stride: (flow === 'right' ? node.width : node.height) + gap, apart }
}

/** The upper left corner of a node. @param along where it begins in the flow @param across its middle beside it */
export function corner({ flow, node }: Frame, along: number, across: number): Point {
  return flow === 'right'
    ? { x: MARGIN + along, y: Math.round(across - node.height / 2) }
    : { x: Math.round(across - node.width / 2), y: MARGIN + along }
}

/** A point on the side of a node where lines come in (`near`) or leave (`far`). @param offset from its middle */
export function side({ flow, node }: Frame, { x, y }: Point, which: 'near' | 'far', offset: number): Point {
  return flow === 'right'
    ? { x: which === 'near' ? x : x + node.width, y: y + node.height / 2 + offset }
    : { x: x + node.width / 2 + offset, y: which === 'near' ? y : y + node.height }
}
